/** When it is full, this part of the entries goes. */
const PART = 32;

/** A map of bounded size: when it is full, those entries go that were not touched for longest. */
export class BoundedMap<Value> {
  readonly #map = new Map<string, Value>();
  readonly #max: number;
  /** How many entries had to go. */
  evicted = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#map.size;
  }

  /** The value, which then counts as touched: as long as half of the room is free, nothing goes soon, and the order of all is of no matter. */
  touch(key: string): Value | undefined {
    const value = this.#map.get(key);
    if (value === undefined || this.#map.size * 2 <= this.#max) return value;
    this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  peek(key: string): Value | undefined {
    return this.#map.get(key);
  }

  set(key: string, value: Value): void {
    this.#map.delete(key);
    this.add(key, value);
  }

  /** The same of a key that is not there. */
  add(key: string, value: Value): void {
    this.#map.set(key, value);
    if (this.#map.size <= this.#max) return;
    // Several at once: whoever looks for the oldest walks over the places of those that went before.
    let left = Math.ceil(this.#max / PART);
    for (const oldest of this.#map.keys()) {
      this.#map.delete(oldest);
      this.evicted += 1;
      left -= 1;
      if (left === 0) return;
    }
  }

  delete(key: string): void {
    this.#map.delete(key);
  }

  /** Least recently touched first. */
  entries(): IterableIterator<[string, Value]> {
    return this.#map.entries();
  }
}
