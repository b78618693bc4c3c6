import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import type { Scratch } from '../event/splice.ts';
import { messageOf } from '../errors.ts';
import type { Where } from './event-walk.ts';
import type { Expectation } from './expectation-file.ts';
import type { OpenedFilter } from './opened-filter.ts';
import { deliveredBytes, fateOf } from './opened-filter.ts';
import { scalarsAt } from './value-path.ts';

/** Something that is not as it was expected. */
export interface Failure {
  /** The event; null where it is about all of them. */
  readonly where: Where | null;
  readonly auditID: string;
  readonly words: string;
}

export interface Result {
  readonly expectation: Expectation;
  /** Events that it is about. */
  readonly events: number;
  /** The first of them. */
  readonly failures: readonly Failure[];
  readonly failureCount: number;
}

const SHOWN_FAILURES = 5;

/** Holds expectations to recorded events, all of them in one pass. */
export class ExpectationRun {
  readonly #filter: OpenedFilter;
  readonly #runs: readonly Run[];
  readonly #scratch: Scratch = { bytes: Buffer.alloc(0) };

  constructor(filter: OpenedFilter, expectations: readonly Expectation[]) {
    this.#filter = filter;
    this.#runs = expectations.map((expectation) => new Run(expectation));
  }

  see(event: Event, where: Where): void {
    for (const run of this.#runs) if (run.isAbout(event)) run.check(event, where, this.#filter, this.#scratch);
  }

  end(): readonly Result[] {
    return this.#runs.map((run) => run.end());
  }
}

class Run {
  readonly #expectation: Expectation;
  readonly #failures: Failure[] = [];
  /** Paths at which there was something to hide. */
  readonly #proved = new Set<string>();
  #events = 0;
  #failureCount = 0;
  #notWorkedOut = '';

  constructor(expectation: Expectation) {
    this.#expectation = expectation;
  }

  isAbout(event: Event): boolean {
    const { auditID, stage, when } = this.#expectation;
    if (auditID !== undefined && event.text(SLOT.auditID) !== auditID) return false;
    if (stage !== undefined && event.text(SLOT.stage) !== stage) return false;
    if (when === undefined) return true;
    try {
      return when(event);
    } catch (error) {
      // Expressions over bodies fail on events that have none: those are not meant.
      this.#notWorkedOut = messageOf(error).split('\n', 1)[0] as string;
      return false;
    }
  }

  check(event: Event, where: Where, filter: OpenedFilter, scratch: Scratch): void {
    const { outcome, rule } = this.#expectation;
    this.#events += 1;
    const fate = fateOf(filter, event);
    const fail = (words: string) => this.#fail(words, where, event.text(SLOT.auditID));
    if (fate.outcome !== outcome) {
      const by = fate.rule === null ? '' : ` by ${fate.rule}`;
      fail(`expected to be ${outcome}${rule === undefined ? '' : ` by ${rule}`}, but is ${fate.outcome}${by}`);
    } else if (outcome === 'dropped') {
      if (rule !== undefined && rule !== fate.rule) fail(`expected to be dropped by ${rule}, but is by ${fate.rule}`);
    } else {
      this.#checkDelivered(event, deliveredBytes(filter, event, scratch), fail);
    }
  }

  #checkDelivered(event: Event, bytes: Buffer | null, fail: (words: string) => void): void {
    const { level, noValue } = this.#expectation;
    if (bytes === null || (level === undefined && noValue.length === 0)) return;
    const delivered = JSON.parse(bytes.toString()) as { readonly level?: unknown };
    if (level !== undefined && delivered.level !== level) {
      fail(`expected at level ${level}, but is delivered at ${JSON.stringify(delivered.level)}`);
    }
    for (const { text, path } of noValue) {
      const recorded = scalarsAt(event.json(), path);
      if (recorded.size > 0) this.#proved.add(text);
      const shown = [...scalarsAt(delivered, path)].filter((value) => recorded.has(value)).length;
      // The value itself may be a secret, and this goes to logs of builds.
      if (shown > 0) fail(`expected no value at ${text}, but ${shown} of ${recorded.size} can be seen`);
    }
  }

  end(): Result {
    const { count, noValue } = this.#expectation;
    const events = this.#events;
    if (events === 0 || (count !== undefined && count !== events)) {
      const why = this.#notWorkedOut === '' ? '' : ` (on some it could not be worked out: ${this.#notWorkedOut})`;
      const expected = count === undefined ? 'at least one event' : `${count} ${count === 1 ? 'event' : 'events'}`;
      this.#fail(
        `expected ${expected} to be meant, but ${events === 0 ? 'none is' : `it is ${events}`}${why}`,
        null,
        '',
      );
    } else if (this.#failureCount === 0) {
      for (const { text } of noValue) {
        if (this.#proved.has(text)) continue;
        this.#fail(`nothing was recorded at ${text} in any of these events: this proves nothing`, null, '');
      }
    }
    return { expectation: this.#expectation, events, failures: this.#failures, failureCount: this.#failureCount };
  }

  #fail(words: string, where: Where | null, auditID: string): void {
    this.#failureCount += 1;
    if (this.#failures.length < SHOWN_FAILURES) this.#failures.push({ where, auditID, words });
  }
}
