export interface Slice {
  /** Start of the slice, seconds since the epoch. */
  readonly startSeconds: number;
  readonly bytes: number;
  readonly delivered: number;
}

const MAX_SLICES = 240;

/**
 * Bytes over time in slices of one width, which doubles whenever there would be too many slices.
 */
export class Timeline {
  widthSeconds = 1;
  #slices = new Map<number, { bytes: number; delivered: number }>();
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  add(seconds: number, bytes: number, delivered: number): void {
    const at = Math.floor(seconds / this.widthSeconds);
    const first = Math.min(this.#first, at);
    const last = Math.max(this.#last, at);
    if (last - first >= MAX_SLICES) {
      this.#widen(last - first);
      this.add(seconds, bytes, delivered);
      return;
    }
    this.#first = first;
    this.#last = last;
    const slice = this.#slices.get(at);
    if (slice === undefined) this.#slices.set(at, { bytes, delivered });
    else {
      slice.bytes += bytes;
      slice.delivered += delivered;
    }
  }

  /** From the first slice to the last, the empty ones too. */
  slices(): readonly Slice[] {
    if (this.#slices.size === 0) return [];
    return Array.from({ length: this.#last - this.#first + 1 }, (_, index) => {
      const at = this.#first + index;
      const { bytes, delivered } = this.#slices.get(at) ?? { bytes: 0, delivered: 0 };
      return { startSeconds: at * this.widthSeconds, bytes, delivered };
    });
  }

  #widen(span: number): void {
    let factor = 2;
    while (span / factor >= MAX_SLICES - 1) factor *= 2;
    const old = this.#slices;
    this.#slices = new Map();
    this.#first = Number.POSITIVE_INFINITY;
    this.#last = Number.NEGATIVE_INFINITY;
    this.widthSeconds *= factor;
    for (const [at, { bytes, delivered }] of old) {
      this.add((at * this.widthSeconds) / factor, bytes, delivered);
    }
  }
}
