/** A map of bounded size: when it is full, the entry goes that was not touched for longest. */
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
    this.#map.set(key, value);
    if (this.#map.size <= this.#max) return;
    const [oldest] = this.#map.keys();
    this.#map.delete(oldest as string);
    this.evicted += 1;
  }

  delete(key: string): void {
    this.#map.delete(key);
  }

  /** Least recently touched first. */
  entries(): IterableIterator<[string, Value]> {
    return this.#map.entries();
  }
}
