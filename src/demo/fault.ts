import type { Answer, DeliveredEvent, ItemAnswer } from './protocol.ts';

/** What an endpoint can be asked to do wrong. */
export type Fault =
  /** Answers so, and stores nothing. */
  | { readonly type: 'answer'; readonly answer: Answer }
  /** Never answers. */
  | { readonly type: 'hang' }
  /** Resets the connection while the body arrives. */
  | { readonly type: 'reset' }
  /** Stores, answers correctly, but only after this long. */
  | { readonly type: 'slow'; readonly delayMs: number }
  /** Stores everything and breaks the connection instead of answering. */
  | { readonly type: 'loseAnswer' }
  /** Refuses the events that match, each by itself, and stores the others. */
  | { readonly type: 'reject'; readonly matches: (event: Buffer) => boolean; readonly item: ItemAnswer };

/** A fault and how often it is to happen; for ever where nothing else is said. */
export class PlannedFault {
  readonly fault: Fault;
  #left = Number.POSITIVE_INFINITY;
  #happened = 0;
  #applies: (events: readonly DeliveredEvent[]) => boolean = () => true;

  constructor(fault: Fault) {
    this.fault = fault;
  }

  times(count: number): this {
    this.#left = count;
    return this;
  }

  once(): this {
    return this.times(1);
  }

  /** Only requests of which an event matches. Not for `reset`, which does not wait for the body. */
  whereAnEvent(matches: (event: Buffer) => boolean): this {
    this.#applies = (events) => events.some(({ bytes }) => matches(bytes));
    return this;
  }

  /** How often it has happened. */
  get happened(): number {
    return this.#happened;
  }

  /** Whether it happens to this request, which then counts. */
  takes(events: readonly DeliveredEvent[]): boolean {
    if (this.#left <= 0 || !this.#applies(events)) return false;
    this.#left -= 1;
    this.#happened += 1;
    return true;
  }
}
