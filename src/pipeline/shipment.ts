import type { Rejection } from '../output/output.ts';
import type { Batch } from './batch.ts';
import { LARGE_BYTES, type LargeLines } from './large-lines.ts';
import type { Sealed, SetAside } from './sealed.ts';
import type { Tally } from './tally.ts';
import type { Cut } from './window.ts';

export interface ShipmentOptions {
  readonly batch: { readonly maxBytes: number };
  readonly largeLines: LargeLines;
  readonly cutAgain: (cut: Cut, who: object, signal: AbortSignal) => Promise<Sealed | null>;
  /** Takes the memory of a batch back. */
  readonly giveBack: (sealed: Sealed) => void;
}

/** One batch on its way; a large one gives its memory back while it waits, and is cut again from the log. */
export class Shipment {
  readonly cut: Cut;
  readonly count: number;
  readonly tally: Tally;
  /** Whether it takes more memory than a batch should: a line that is longer than that. */
  readonly large: boolean;
  readonly #options: ShipmentOptions;
  #sealed: Sealed | null;
  #hasSetAside: boolean;
  /** Bytes of each line, kept while the batch is not. */
  #lineBytes: readonly number[] = [];

  constructor(sealed: Sealed, cut: Cut, options: ShipmentOptions) {
    const { batch, setAside, tally } = sealed;
    this.cut = cut;
    this.count = batch.count;
    this.tally = tally;
    this.#hasSetAside = setAside.length > 0;
    const bytes = setAside.reduce((sum, one) => sum + one.bytes.length, batch.bytes.length);
    this.large = bytes > Math.max(LARGE_BYTES, options.batch.maxBytes * 2);
    this.#sealed = sealed;
    this.#options = options;
  }

  async batch(signal: AbortSignal): Promise<Batch | null> {
    return (await this.#cutAgain(signal))?.batch ?? null;
  }

  /** What is to be set aside before anything is sent; null where it can't be had any more. */
  async setAside(signal: AbortSignal): Promise<readonly SetAside[] | null> {
    if (!this.#hasSetAside) return [];
    return (await this.#cutAgain(signal))?.setAside ?? null;
  }

  /** It stands in the dead letter: its memory is free. */
  forgetSetAside(): void {
    this.#hasSetAside = false;
    if (this.#sealed !== null) this.#sealed = { ...this.#sealed, setAside: [] };
  }

  /** Before a wait: gives the memory of a large batch back, and the turn of whoever deals with one. */
  rest(): void {
    const batch = this.#sealed?.batch;
    if (batch === undefined || !this.large) return;
    this.#lineBytes = Array.from({ length: batch.count }, (_, item) => batch.lineBytes(item));
    this.release();
  }

  release(): void {
    if (this.#sealed !== null) this.#options.giveBack(this.#sealed);
    this.#sealed = null;
    this.#options.largeLines.release(this);
  }

  /** Writes what became of the items into the account. */
  account(rejected: readonly Rejection[], gone: readonly number[]): void {
    const { tally } = this;
    let bytes = tally.readBytes - tally.filteredBytes - tally.deadLetteredBytes - tally.lostBytes;
    for (const { item, reason, outcome } of rejected) {
      const length = this.#lengthOf(item);
      bytes -= length;
      if (outcome === 'lost') tally.lose(reason, length);
      else tally.deadLetter(reason, length);
    }
    for (const item of gone) {
      bytes -= this.#lengthOf(item);
      tally.lose('deleted', this.#lengthOf(item));
    }
    tally.delivered += this.count - rejected.length - gone.length;
    tally.deliveredBytes += bytes;
  }

  async #cutAgain(signal: AbortSignal): Promise<Sealed | null> {
    this.#sealed ??= await this.#options.cutAgain(this.cut, this, signal);
    return this.#sealed;
  }

  #lengthOf(item: number): number {
    return this.#sealed?.batch.lineBytes(item) ?? (this.#lineBytes[item] as number);
  }
}
