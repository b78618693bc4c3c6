/** Exponential back-off with full jitter: random waits below a bound that doubles up to `maxDelay`. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(limits: { readonly initialDelay: number; readonly maxDelay: number }, random: () => number) {
    this.#initialMs = limits.initialDelay;
    this.#maxMs = limits.maxDelay;
    this.#random = random;
  }

  reset(): void {
    this.#attempt = 0;
  }

  /** The next wait in ms; what the receiver asked for is the least, and `maxDelay` does not shorten it. */
  next(retryAfterMs = 0): number {
    const bound = Math.min(this.#maxMs, this.#initialMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return Math.max(Math.ceil(this.#random() * bound), retryAfterMs);
  }
}
