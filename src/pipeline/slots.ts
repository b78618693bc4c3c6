/** How many batches are in flight, and a place to wait for one of them to end. */
export class Slots {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  readonly #waiters = new Set<() => void>();
  #borrowers = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#running.size;
  }

  get free(): boolean {
    return this.#running.size < this.#limit + Math.min(1, this.#borrowers);
  }

  /** Whether somebody waits for the place of the next batch that ends. */
  get awaited(): boolean {
    return this.#waiters.size > 0 && this.#running.size <= this.#limit + Math.min(1, this.#borrowers);
  }

  /**
   * While single events are under suspicion, one more batch may go, so that there is something to compare them with.
   * Each batch that asks for it with `true` gives it back with `false`.
   */
  lend(lent: boolean): void {
    this.#borrowers += lent ? 1 : -1;
    this.#wake();
  }

  /** Resolves when there is room, or the signal is aborted. */
  async take(signal: AbortSignal): Promise<void> {
    while (!this.free && !signal.aborted) await this.#change(signal);
  }

  /** Takes a slot until the act has ended. It must not reject. */
  run(act: () => Promise<void>): void {
    const running = act().finally(() => {
      this.#running.delete(running);
      this.#wake();
    });
    this.#running.add(running);
  }

  async empty(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Not a race against what is running: each race would leave something behind in what runs on for days. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
  }
}
