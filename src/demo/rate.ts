const WINDOW_MS = 2000;

/** How fast a number grows, over the last two seconds. */
export class Rate {
  readonly #samples: { readonly atMs: number; readonly value: number }[] = [];

  /** Notes the value of now. Returns its growth per second. */
  sample(value: number, atMs = performance.now()): number {
    this.#samples.push({ atMs, value });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || atMs === first.atMs) return 0;
    return ((value - first.value) * 1000) / (atMs - first.atMs);
  }
}
