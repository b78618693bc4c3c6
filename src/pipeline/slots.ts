/** How many batches are in flight, and a place to wait for one of them to end. */
export class Slots {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  #lent = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#running.size;
  }

  /** While a single event is under suspicion, one more batch may go, so that there is something to compare it with. */
  lend(lent: boolean): void {
    this.#lent = lent ? 1 : 0;
  }

  /** Resolves when there is room, or the signal is aborted. */
  async take(signal: AbortSignal): Promise<void> {
    while (this.#running.size >= this.#limit + this.#lent && !signal.aborted) {
      await Promise.race([...this.#running, pause(100)]);
    }
  }

  run(act: () => Promise<void>): void {
    const running = act().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async empty(): Promise<void> {
    await Promise.all(this.#running);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
