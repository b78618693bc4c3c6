import type { ThrottleMemory } from '../filter.ts';

/** What a throttle said, in the order of the events that it was asked about: of runs of so many events the same. */
export type Runs = readonly number[];

/**
 * What a throttle said of the events of one range. What it says depends on all events before: a range that is cut again
 * is not asked about once more, but decided as it was.
 *
 * Runs are pairs of numbers: 0 for "lets through" or 1 more than the index of the rule that keeps back, and how many
 * events in a row.
 */
export class Decisions implements ThrottleMemory {
  readonly #runs: number[] = [];
  /** What is remembered; null where the throttle is to be asked. */
  readonly #recorded: Runs | null;
  #run: number;
  #used: number;
  /** Said of the next event already, which did not fit into the range before. */
  #ahead: number | null = null;
  /** How many events it holds. */
  length = 0;

  constructor(recorded: Runs | null, run = 0, used = 0) {
    this.#recorded = recorded;
    this.#run = run;
    this.#used = used;
  }

  /** Empty where the throttle was not asked. */
  get runs(): Runs {
    return this.#runs;
  }

  recall(): number | undefined {
    if (this.#ahead !== null) {
      const ahead = this.#ahead;
      this.#ahead = null;
      return ahead;
    }
    if (this.#recorded === null) return undefined;
    while (this.#run < this.#recorded.length && this.#used >= (this.#recorded[this.#run + 1] as number)) {
      this.#run += 2;
      this.#used = 0;
    }
    if (this.#run >= this.#recorded.length) return -1;
    this.#used += 1;
    return (this.#recorded[this.#run] as number) - 1;
  }

  note(answer: number): void {
    this.length += 1;
    const runs = this.#runs;
    if (runs.length > 0 && runs[runs.length - 2] === answer + 1) (runs[runs.length - 1] as number) += 1;
    else runs.push(answer + 1, 1);
  }

  /** The event asked about last is not part of this range; gives what was said of it. */
  takeBack(): number {
    const runs = this.#runs;
    const answer = (runs[runs.length - 2] as number) - 1;
    (runs[runs.length - 1] as number) -= 1;
    if (runs[runs.length - 1] === 0) runs.length -= 2;
    this.length -= 1;
    return answer;
  }

  /** Says this of the next event without being asked. */
  sayFirst(answer: number): void {
    this.#ahead = answer;
  }

  /** For the range that follows on this one. */
  next(): Decisions {
    return new Decisions(this.#recorded, this.#run, this.#used);
  }
}
