import { type PipelineNotes, Repeats } from './notes.ts';
import type { Pressure } from './read-limit.ts';

export interface PatienceOptions {
  readonly output: string;
  readonly pressure: () => Pick<Pressure, 'secondsLeft'>;
  readonly notes: PipelineNotes;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** With less time left for the oldest file, it is its turn. */
const LEAST_SECONDS = 60;
const LOOK_MS = 1000;

/** Whether a backlog may wait for newer events: it never costs one of its own. */
export class Patience {
  readonly #options: PatienceOptions;
  readonly #repeats = new Repeats();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #mayWait = true;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  mayWait(): boolean {
    const { now, pressure, notes, output } = this.#options;
    const nowMs = now();
    if (nowMs - this.#lookedAt < LOOK_MS) return this.#mayWait;
    this.#lookedAt = nowMs;
    const { secondsLeft } = pressure();
    this.#mayWait = secondsLeft === null || secondsLeft >= LEAST_SECONDS;
    if (!this.#mayWait && this.#repeats.due('gives way') !== null) {
      const fields = { output, secondsLeft: Math.round(secondsLeft as number) };
      notes.warn('live-first gives way: files might be gone before they are read', fields);
    }
    return this.#mayWait;
  }
}
