import type { BatchConfig, RetryConfig } from '../config/schema.ts';
import type { Log } from '../log/log.ts';
import type { Again, Output, Rejection } from '../output/output.ts';
import { deliver, type DeliveryContext } from './delivery.ts';
import { Evidence } from './evidence.ts';
import type { Condition } from './condition.ts';
import { type PipelineNotes, Repeats } from './notes.ts';
import type { DeadLetter, PipelineState } from './pipeline-state.ts';
import type { Progress } from './progress.ts';
import type { Sealed, SetAside } from './sealed.ts';
import { Slots } from './slots.ts';
import type { Tally } from './tally.ts';
import type { Cut } from './window.ts';

export interface ShippingOptions {
  readonly log: Log;
  readonly output: Output;
  readonly batch: BatchConfig;
  readonly retry: RetryConfig;
  readonly state: PipelineState;
  readonly notes: PipelineNotes;
  readonly progress: Progress;
  readonly condition: Condition;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Cuts a batch once more; null where its bytes are not to be had any more. Rejects with the signal's reason only. */
  readonly cutAgain: (cut: Cut, signal: AbortSignal) => Promise<Sealed | null>;
  /** Takes the memory of a batch back. */
  readonly giveBack: (sealed: Sealed) => void;
}

/** A batch that is larger gives its memory back while it waits: one long line must not cost its length for days. */
const LARGE_BYTES = 4 * 1024 * 1024;

/** Sends sealed batches, several at a time, and settles them. */
export class Shipping {
  readonly #options: ShippingOptions;
  readonly #slots: Slots;
  readonly #evidence = new Evidence();
  readonly #repeats = new Repeats();
  batches = 0;
  retries = 0;
  duplicates = 0;
  /** RFC 3339. */
  lastDeliveredAt = '';

  constructor(options: ShippingOptions) {
    this.#options = options;
    this.#slots = new Slots(options.batch.maxInFlight);
  }

  get inFlight(): number {
    return this.#slots.used;
  }

  /** Resolves when there is room for one more batch, or the signal is aborted. */
  room(signal: AbortSignal): Promise<void> {
    return this.#slots.take(signal);
  }

  /** Begins to ship a batch; `failed` is told of faults of the program. There must be room. */
  begin(sealed: Sealed, cut: Cut, signal: AbortSignal, failed: (error: unknown) => void): void {
    const shipment = new Shipment(sealed, cut, this.#options);
    this.#slots.run(async () => {
      try {
        await this.#ship(shipment, cut, signal);
      } catch (error) {
        if (!signal.aborted) failed(error);
      } finally {
        shipment.release();
        this.#options.condition.clear(shipment);
      }
    });
  }

  empty(): Promise<void> {
    return this.#slots.empty();
  }

  async #ship(shipment: Shipment, cut: Cut, signal: AbortSignal): Promise<void> {
    const { progress } = this.#options;
    await progress.noteBefore(signal);
    await this.#setAside(shipment.setAside, cut, signal);
    if (shipment.count > 0) {
      const delivered = await deliver(shipment.count, this.#contextOf(shipment, signal), signal);
      const { rejected, duplicates, gone } = delivered;
      await this.#refused(shipment, cut, rejected, signal);
      await this.#gone(cut, gone, signal);
      shipment.account(rejected, gone);
      this.batches += 1;
      this.duplicates += duplicates;
      if (rejected.length + gone.length < shipment.count) this.lastDeliveredAt = new Date().toISOString();
    }
    progress.window.settle(cut, shipment.tally);
    progress.touch();
    shipment.release();
    progress.note();
    await progress.finishSettled(signal);
  }

  #contextOf(shipment: Shipment, signal: AbortSignal): DeliveryContext {
    const { output, retry, sleep, random, notes, condition } = this.#options;
    let borrows = false;
    return {
      output,
      retry,
      random,
      evidence: this.#evidence,
      ordered: this.#options.batch.maxInFlight === 1,
      batch: () => shipment.batch(signal),
      sleep: async (ms) => {
        shipment.rest();
        await sleep(ms, signal);
      },
      answered: (result, bytes, milliseconds) => {
        const again = result.again.length > 0;
        notes.sent(milliseconds / 1000, bytes, again ? 'again' : 'stored');
        if (!again) condition.clear(shipment);
      },
      waiting: (state, again, delayMs) => this.#waiting(shipment, state, again, delayMs),
      suspect: (alone) => {
        if (alone !== borrows) this.#slots.lend(alone);
        borrows = alone;
      },
    };
  }

  #waiting(shipment: Shipment, state: 'retrying' | 'holding', again: Again, delayMs: number): void {
    this.retries += 1;
    const { status, reason, words } = again;
    this.#options.condition.trouble(shipment, { state, reason, words }, { status, delayMs });
  }

  /** What the receiver will never take: a copy in the dead letter, or a record of the range. */
  async #refused(shipment: Shipment, cut: Cut, rejected: readonly Rejection[], signal: AbortSignal): Promise<void> {
    if (rejected.length === 0) return;
    const { output, log, notes, progress } = this.#options;
    const { range, name } = cut;
    const lost = rejected.filter(({ outcome }) => outcome === 'lost');
    const batch = await shipment.batch(signal);
    if (batch === null) {
      const words = 'the receiver refused events for good, and the file is gone from which to keep a copy of them';
      await progress.lose({ reason: 'deleted', proof: 'certain', ...range, name, words }, signal);
      return;
    }
    const letters = rejected
      .filter(({ outcome }) => outcome === 'deadLettered')
      .map(({ item, reason, status, words }) => ({
        source: log.name,
        segment: range.segment,
        name,
        offset: batch.lineOffset(item),
        reason,
        status,
        words,
        bytes: output.eventBytes(batch, item),
      }));
    await this.#keep(letters, signal);
    for (const group of Object.values(Object.groupBy(lost, ({ reason }) => reason))) {
      if (group === undefined) continue;
      const { reason, words } = group[0] as Rejection;
      const offsets = group.map(({ item }) => batch.lineOffset(item));
      const ends = group.map(({ item }) => batch.lineOffset(item) + batch.lineBytes(item));
      const from = Math.min(...offsets);
      const to = Math.max(...ends);
      const said = `${group.length} events refused for good (${reason}): ${words}`;
      await progress.lose(
        { reason: 'too-old', proof: 'certain', segment: range.segment, name, from, to, words: said },
        signal,
      );
    }
    for (const [reason, group = []] of Object.entries(Object.groupBy(rejected, (one) => one.reason))) {
      const first = group[0] as Rejection;
      const events = this.#repeats.due(`refused ${reason}`, group.length);
      if (events === null) continue;
      const fields = { output: output.name, events, reason, status: first.status, words: first.words };
      notes.warn('the receiver refused events for good', fields);
    }
  }

  async #gone({ range, name }: Cut, gone: readonly number[], signal: AbortSignal): Promise<void> {
    if (gone.length === 0) return;
    const words = 'a large batch had to wait for the receiver, and its file was gone when it was read again';
    await this.#options.progress.lose({ reason: 'deleted', proof: 'certain', ...range, name, words }, signal);
  }

  async #setAside(setAside: readonly SetAside[], cut: Cut, signal: AbortSignal): Promise<void> {
    if (setAside.length === 0) return;
    const { log, notes, output } = this.#options;
    const { range, name } = cut;
    const place = { source: log.name, segment: range.segment, name, status: 0 };
    const letters = setAside.map(({ reason, words, offset, bytes }) => ({ ...place, reason, words, offset, bytes }));
    await this.#keep(letters, signal);
    for (const [reason, group = []] of Object.entries(Object.groupBy(setAside, (one) => one.reason))) {
      const count = this.#repeats.due(`set aside ${reason}`, group.length);
      if (count === null) continue;
      const whole = group[0]?.counts !== false;
      const message = whole
        ? 'lines were set aside'
        : 'events were too large and went out in part; they are kept whole';
      notes.warn(message, { output: output.name, file: name, offset: group[0]?.offset, reason, count });
    }
  }

  async #keep(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
    if (letters.length === 0) return;
    await this.#options.progress.durably('the dead letter', signal, () => this.#options.state.setAside(letters));
  }
}

/** One batch on its way; a large one gives its memory back while it waits, and is cut again from the log. */
class Shipment {
  readonly #options: ShippingOptions;
  readonly #cut: Cut;
  readonly count: number;
  readonly tally: Tally;
  readonly #largeBytes: number;
  #setAside: readonly SetAside[];
  #sealed: Sealed | null;
  /** Bytes of each line, kept while the batch is not. */
  #lineBytes: readonly number[] = [];

  constructor(sealed: Sealed, cut: Cut, options: ShippingOptions) {
    this.count = sealed.batch.count;
    this.tally = sealed.tally;
    this.#setAside = sealed.setAside;
    this.#sealed = sealed;
    this.#cut = cut;
    this.#options = options;
    this.#largeBytes = Math.max(LARGE_BYTES, options.batch.maxBytes * 2);
  }

  /** What is to be set aside; given out once, so that its memory is free after that. */
  get setAside(): readonly SetAside[] {
    const setAside = this.#setAside;
    this.#setAside = [];
    return setAside;
  }

  async batch(signal: AbortSignal): Promise<Sealed['batch'] | null> {
    this.#sealed ??= await this.#options.cutAgain(this.#cut, signal);
    return this.#sealed?.batch ?? null;
  }

  /** Before a wait. */
  rest(): void {
    const batch = this.#sealed?.batch;
    if (batch === undefined || batch.bytes.length < this.#largeBytes) return;
    this.#lineBytes = Array.from({ length: batch.count }, (_, item) => batch.lineBytes(item));
    this.release();
  }

  release(): void {
    if (this.#sealed !== null) this.#options.giveBack(this.#sealed);
    this.#sealed = null;
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

  #lengthOf(item: number): number {
    return this.#sealed?.batch.lineBytes(item) ?? (this.#lineBytes[item] as number);
  }
}
