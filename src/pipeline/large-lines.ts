import { collectSoon } from './collect.ts';

/** A line that takes more memory than this is read, cut and sent one at a time over the whole agent. */
export const LARGE_BYTES = 4 * 1024 * 1024;

/**
 * The turn of whoever deals with a large line: lines of 40 MB exist, and with several outputs that read the same log
 * each would hold it at the same time. Whoever has to wait for a receiver gives the turn back.
 */
export class LargeLines {
  readonly #over: () => void;
  #holder: object | null = null;
  readonly #waiting = new Map<object, () => void>();

  /** `over` is called when a turn has been given back and nobody waits for the next. */
  constructor(over: () => void = collectSoon) {
    this.#over = over;
  }

  holds(who: object): boolean {
    return this.#holder === who;
  }

  /** Resolves when it is this one's turn; at once where it already is. Rejects with the signal's reason. */
  async take(who: object, signal: AbortSignal): Promise<void> {
    while (this.#holder !== who) {
      signal.throwIfAborted();
      if (this.#holder === null) this.#holder = who;
      else await this.#change(signal);
    }
  }

  /** Passes the turn on, where it is his. */
  hand(from: object, to: object): void {
    if (this.#holder === from) this.#holder = to;
  }

  /** Gives the turn back, where it is his. */
  release(who: object): void {
    if (this.#holder !== who) return;
    this.#holder = null;
    const [next] = this.#waiting.values();
    (next ?? this.#over)();
  }

  /** First come, first served. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const key = {};
      const done = () => {
        this.#waiting.delete(key);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.set(key, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
