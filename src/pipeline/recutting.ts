import type { Filter } from '../filter/filter.ts';
import type { Log } from '../log/log.ts';
import type { Cutter } from './cutter.ts';
import { LARGE_BYTES, type LargeLines } from './large-lines.ts';
import type { LongLine, LongLines } from './long-lines.ts';
import type { Progress } from './progress.ts';
import { recut, type Recut } from './recut.ts';
import type { Sealed } from './sealed.ts';
import type { Cut } from './window.ts';

export interface RecuttingOptions {
  readonly log: Log;
  readonly filter: Filter;
  readonly maxLineBytes: number;
  readonly largeLines: LargeLines;
  readonly progress: Progress;
  readonly longLines: LongLines;
  /** One of its own, since the pipeline's is in use. */
  readonly cutter: Cutter;
}

/** Cuts ranges of the log once more: those in flight when an agent died, and those whose memory was given back. */
export class Recutting {
  readonly #options: RecuttingOptions;
  /** For what an agent before this one cut. */
  #filter: Filter;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: RecuttingOptions) {
    this.#options = options;
    this.#filter = options.filter;
  }

  useFilter(filter: Filter): void {
    this.#filter = filter;
  }

  get heldBytes(): number {
    return this.#options.cutter.heldBytes;
  }

  /** Takes the memory of a batch back, if it is one of these. */
  recycle(sealed: Sealed): void {
    this.#options.cutter.recycle(sealed);
  }

  /**
   * Null where the segment is gone. One after the other: each may hold a long line, for which `who` then has the turn.
   * Where the log cannot be read, it waits until it can; rejects with the signal's reason.
   */
  cut(cut: Cut, who: object, signal: AbortSignal): Promise<Recut | null> {
    const turn = this.#turn.then(() => this.#cut(cut, who, signal));
    this.#turn = turn.catch(() => null);
    return turn;
  }

  /** For a batch whose memory was given back; null where it can't be had in the same cut any more. */
  async whole(cut: Cut, who: object, signal: AbortSignal): Promise<Sealed | null> {
    const again = await this.cut(cut, who, signal);
    const [only] = again?.batches ?? [];
    if (only !== undefined && again?.batches.length === 1 && again.reached === cut.range.to) return only.sealed;
    for (const { sealed } of again?.batches ?? []) this.recycle(sealed);
    return null;
  }

  async #cut(
    { range, filter = this.#filter, filterHash, throttled }: Cut,
    who: object,
    signal: AbortSignal,
  ): Promise<Recut | null> {
    const { log, maxLineBytes, largeLines, progress, longLines, cutter } = this.#options;
    const large = { largeBytes: LARGE_BYTES, room: () => largeLines.take(who, signal) };
    const oversize = (line: LongLine) => longLines.setAside(line, signal);
    let result: Recut | null = null;
    await progress.durably('the log', signal, async () => {
      const segment = log.segments.find(({ id }) => id === range.segment);
      if (segment === undefined || segment.gone !== null) return true;
      cutter.useFilter(filter);
      // Another filter has other rules.
      const said = filterHash === filter.hash ? (throttled ?? null) : null;
      const marks = progress.window.record(range.segment)?.marks ?? [];
      result = await recut({
        log,
        segment,
        range,
        marks,
        maxLineBytes,
        cutter,
        oversize,
        large,
        throttled: said,
        signal,
      });
      return true;
    });
    return result;
  }
}
