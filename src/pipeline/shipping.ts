import type { BatchConfig, RetryConfig } from '../config/schema.ts';
import type { Log } from '../log/log.ts';
import type { Again, Output, Rejection } from '../output/output.ts';
import { deliver, type DeliveryContext } from './delivery.ts';
import { Evidence } from './evidence.ts';
import type { BodyLimit } from './body-limit.ts';
import type { LargeLines } from './large-lines.ts';
import type { Condition } from './condition.ts';
import { type PipelineNotes, Repeats } from './notes.ts';
import type { DeadLetter, PipelineState } from './pipeline-state.ts';
import type { Progress } from './progress.ts';
import type { Sealed } from './sealed.ts';
import { Shipment } from './shipment.ts';
import { Slots } from './slots.ts';
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
  readonly largeLines: LargeLines;
  readonly bodyLimit: BodyLimit;
  /**
   * Cuts a batch once more, for someone who will have the turn of a large line; null where its bytes are not to be had
   * any more. Rejects with the signal's reason only.
   */
  readonly cutAgain: (cut: Cut, who: object, signal: AbortSignal) => Promise<Sealed | null>;
  /** Takes the memory of a batch back. */
  readonly giveBack: (sealed: Sealed) => void;
}

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

  get hasRoom(): boolean {
    return this.#slots.free;
  }

  shipmentOf(sealed: Sealed, cut: Cut): Shipment {
    return new Shipment(sealed, cut, this.#options);
  }

  /** Begins to ship a batch, maybe `again` after a restart; `failed` is told of faults of the program. There must be room. */
  begin(shipment: Shipment, again: boolean, signal: AbortSignal, failed: (error: unknown) => void): void {
    const { cut } = shipment;
    this.#slots.run(async () => {
      try {
        await this.#ship(shipment, cut, again, signal);
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

  async #ship(shipment: Shipment, cut: Cut, again: boolean, signal: AbortSignal): Promise<void> {
    const { progress } = this.#options;
    await progress.noteBefore(signal, () => shipment.rest());
    await this.#setAside(shipment, signal);
    if (shipment.count > 0) {
      const delivered = await deliver(shipment.count, this.#contextOf(shipment, again, signal), signal);
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
    // The batch that waits for this place is noted before it is sent, and this one with it.
    if (!this.#slots.awaited) progress.note();
    await progress.finishSettled(signal);
  }

  #contextOf(shipment: Shipment, again: boolean, signal: AbortSignal): DeliveryContext {
    const { output, retry, sleep, random, notes, condition } = this.#options;
    let borrows = false;
    return {
      output,
      retry,
      random,
      evidence: this.#evidence,
      ordered: this.#options.batch.maxInFlight === 1,
      again,
      batch: () => shipment.batch(signal),
      sleep: async (ms) => {
        shipment.rest();
        await sleep(ms, signal);
      },
      answered: (result, bytes, milliseconds) => {
        const isStored = result.again.length === 0;
        notes.sent(milliseconds / 1000, bytes, isStored ? 'stored' : 'again');
        if (!isStored) return;
        this.#options.bodyLimit.taken(bytes);
        condition.clear(shipment);
      },
      tooLarge: (bytes) => {
        const { bodyLimit } = this.#options;
        if (!bodyLimit.tooLarge(bytes)) return;
        const fields = { output: output.name, refusedBytes: bytes, maxBytes: bodyLimit.maxBytes };
        notes.warn('the receiver calls a batch too large: smaller ones from here on', fields);
      },
      waiting: (state, refusal, delayMs) => this.#waiting(shipment, state, refusal, delayMs),
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
    await this.#keep(shipment, signal, async () => {
      const batch = await shipment.batch(signal);
      if (batch === null) return null;
      return rejected
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
    });
    const lost = rejected.filter(({ outcome }) => outcome === 'lost');
    const batch = lost.length === 0 ? null : await shipment.batch(signal);
    for (const group of Object.values(Object.groupBy(lost, ({ reason }) => reason))) {
      if (group === undefined) continue;
      const { reason, words } = group[0] as Rejection;
      const from = batch?.lineOffset(Math.min(...group.map(({ item }) => item))) ?? range.from;
      const last = Math.max(...group.map(({ item }) => item));
      const to = batch === null ? range.to : batch.lineOffset(last) + batch.lineBytes(last);
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

  async #setAside(shipment: Shipment, signal: AbortSignal): Promise<void> {
    const { log, notes, output } = this.#options;
    const { range, name } = shipment.cut;
    const counted = new Map<string, { count: number; offset: number; whole: boolean }>();
    await this.#keep(shipment, signal, async () => {
      const setAside = await shipment.setAside(signal);
      counted.clear();
      for (const { reason, offset, counts } of setAside ?? []) {
        const known = counted.get(reason) ?? { count: 0, offset, whole: counts };
        counted.set(reason, { ...known, count: known.count + 1 });
      }
      const place = { source: log.name, segment: range.segment, name, status: 0 };
      return setAside?.map(({ reason, words, offset, bytes }) => ({ ...place, reason, words, offset, bytes })) ?? null;
    });
    shipment.forgetSetAside();
    for (const [reason, { count, offset, whole }] of counted) {
      const due = this.#repeats.due(`set aside ${reason}`, count);
      if (due === null) continue;
      const message = whole
        ? 'lines were set aside'
        : 'events were too large and went out in part; they are kept whole';
      notes.warn(message, { output: output.name, file: name, offset, reason, count: due });
    }
  }

  /** Puts copies into the dead letter, made anew for each try: while there is no room for them, they cost no memory. */
  async #keep(
    shipment: Shipment,
    signal: AbortSignal,
    letters: () => Promise<readonly DeadLetter[] | null>,
  ): Promise<void> {
    const { progress, state } = this.#options;
    let gone = false;
    const act = async () => {
      const some = await letters();
      gone = some === null;
      return some === null || some.length === 0 || state.setAside(some);
    };
    await progress.durably('the dead letter', signal, act, () => shipment.rest());
    if (!gone) return;
    const { range, name } = shipment.cut;
    const words = 'events were to be set aside, and the file is gone from which to take a copy of them';
    await progress.lose({ reason: 'deleted', proof: 'certain', ...range, name, words }, signal);
  }
}
