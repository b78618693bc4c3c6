/** Events and bytes of one value. */
export interface Sum {
  events: number;
  bytes: number;
  /** Bytes of it that are delivered. */
  delivered: number;
}

export interface Ranked extends Readonly<Sum> {
  readonly value: string;
}

/** A longer value is cut: user agents are as long as a client likes. */
const MAX_VALUE = 256;

/**
 * Sums by value, in bounded memory. Up to twice `kept` values are told apart. When there are more, those with the fewest
 * bytes go into `others` until `kept` are left. So the sums of the values and the others are always that of all; and as
 * long as nothing went into the others, each is exact. After that a value that went and came back has too little, by no
 * more than the others hold.
 */
export class Tally {
  readonly others: Sum = { events: 0, bytes: 0, delivered: 0 };
  readonly #kept: number;
  readonly #sums = new Map<string, Sum>();

  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Whether every sum is exact. */
  get exact(): boolean {
    return this.others.events === 0;
  }

  /** How many values are told apart now. */
  get size(): number {
    return this.#sums.size;
  }

  add(value: string, bytes: number, delivered: number): void {
    // A part of a string would keep all of it in memory.
    const name = value.length > MAX_VALUE ? Buffer.from(`${value.slice(0, MAX_VALUE)}…`).toString() : value;
    const sum = this.#sums.get(name);
    if (sum === undefined) {
      this.#sums.set(name, { events: 1, bytes, delivered });
      if (this.#sums.size > 2 * this.#kept) this.#prune();
      return;
    }
    sum.events += 1;
    sum.bytes += bytes;
    sum.delivered += delivered;
  }

  /** The values with the most bytes, the most first; and what all the rest comes to. */
  top(count: number): {
    readonly values: readonly Ranked[];
    readonly rest: Readonly<Sum>;
    readonly restValues: number;
  } {
    const ranked = this.#ranked();
    const rest = { ...this.others };
    for (const [, sum] of ranked.slice(count)) accumulate(rest, sum);
    return {
      values: ranked.slice(0, count).map(([value, sum]) => ({ value, ...sum })),
      rest,
      restValues: Math.max(0, ranked.length - count),
    };
  }

  #ranked(): [string, Sum][] {
    return [...this.#sums].sort(([a, x], [b, y]) => y.bytes - x.bytes || y.events - x.events || (a < b ? -1 : 1));
  }

  #prune(): void {
    for (const [value, sum] of this.#ranked().slice(this.#kept)) {
      accumulate(this.others, sum);
      this.#sums.delete(value);
    }
  }
}

function accumulate(into: Sum, { events, bytes, delivered }: Readonly<Sum>): void {
  into.events += events;
  into.bytes += bytes;
  into.delivered += delivered;
}
