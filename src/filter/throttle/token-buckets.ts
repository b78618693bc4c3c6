interface Bucket {
  tokens: number;
  /** Milliseconds since the epoch, of the newest event seen. */
  time: number;
}

/** Events out of order are late by less; a clock that goes back further has been set. */
const MAX_DISORDER_MS = 60_000;

/**
 * One token bucket for each key, filled by the time of the events and not by that of the day: what passes does not
 * depend on how fast the trail is read. Of more keys than there is room for, the one is forgotten that was not seen for
 * longest; it begins anew with a full bucket, so that forgetting lets more through, and never less.
 */
export class TokenBuckets {
  readonly #qps: number;
  readonly #burst: number;
  readonly #maxKeys: number;
  /** In the order in which they were last used. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(qps: number, burst: number, maxKeys: number) {
    this.#qps = qps;
    this.#burst = burst;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Whether the key has a token left at that time; takes it. */
  take(key: string, timeMs: number): boolean {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#maxKeys) this.#forgetOldest();
      bucket = { tokens: this.#burst, time: timeMs };
    } else {
      this.#buckets.delete(key);
      const passed = timeMs - bucket.time;
      if (passed > 0) bucket.tokens = Math.min(this.#burst, bucket.tokens + (passed / 1000) * this.#qps);
      if (passed > 0 || passed < -MAX_DISORDER_MS) bucket.time = timeMs;
    }
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}
