import type { BatchConfig, RetryConfig } from '../config/schema.ts';
import { messageOf } from '../errors.ts';
import type { PipelineStatus } from '../inspect/status.ts';
import { judge } from '../log/continuity.ts';
import { Cursor, type Piece, type Place } from '../log/cursor.ts';
import type { Log, LogReader, Remembered } from '../log/log.ts';
import type { EventReference, Loss } from '../log/loss.ts';
import type { Segment } from '../log/segment.ts';
import type { Again, Output, Rejection } from '../output/output.ts';
import type { Checkpoint, Counts, Mark } from '../state/checkpoint.ts';
import { NO_COUNTS } from '../state/counts.ts';
import { Backoff } from './backoff.ts';
import { Cutter, type EventReader, type Salvage, type Sealed, type SetAside } from './cutter.ts';
import { deliver, type DeliveryContext } from './delivery.ts';
import type { Filter } from '../filter/filter.ts';
import { Slots } from './slots.ts';
import { Window, type Cut } from './window.ts';

/** Where a pipeline keeps what has to survive. All of it throws what the file system throws. */
export interface PipelineState {
  /** Survives kill -9. */
  note(checkpoint: Checkpoint): void;
  /** Survives a power failure. */
  save(checkpoint: Checkpoint): Promise<void>;
  segmentSettled(record: { readonly id: string; readonly name: string; readonly bytes: number; readonly counts: Counts }): Promise<void>;
  lost(loss: Loss): Promise<void>;
  /** False where the dead letter is full: nothing was kept then. */
  setAside(letters: readonly DeadLetter[]): Promise<boolean>;
  /** The same for a line that is too long to be held: its bytes are read in steps. */
  setAsideLong(letter: Omit<DeadLetter, 'bytes'>, length: number, read: ReadAt): Promise<boolean>;
}

/** Reads bytes of a long line: `offset` counts from its beginning. Gives how many it read. */
export type ReadAt = (offset: number, into: Buffer) => Promise<number>;

export interface DeadLetter {
  readonly source: string;
  readonly segment: string;
  readonly name: string;
  readonly offset: number;
  readonly reason: string;
  readonly status: number;
  readonly words: string;
  readonly bytes: Buffer;
}

/** What a pipeline has to say to people; static messages, data in fields, never content of events. */
export interface PipelineNotes {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
  sent(seconds: number, bytes: number, result: 'stored' | 'again'): void;
}

export interface PipelineOptions {
  readonly log: Log;
  readonly origin: string;
  readonly output: Output;
  readonly filter: Filter;
  readonly event: EventReader;
  readonly salvage: Salvage;
  readonly batch: BatchConfig;
  readonly retry: RetryConfig;
  readonly maxLineBytes: number;
  readonly checkpointIntervalMs: number;
  readonly state: PipelineState;
  readonly notes: PipelineNotes;
  readonly resume: Checkpoint | null;
  /** Whether nothing more will come: then it ends when all that is there has been delivered. */
  readonly ending: () => boolean;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** What to begin with on a first run. */
  readonly firstRun: (segments: readonly Segment[]) => Promise<readonly { readonly segment: Segment; readonly from: number }[]>;
}

const IDLE_MS = 1000;

/** One output's way through one source: cursor, filter, batch, send, settle, checkpoint. */
export class Pipeline implements LogReader {
  readonly name: string;
  readonly #options: PipelineOptions;
  readonly #window: Window;
  readonly #cutter: Cutter;
  readonly #cursor: Cursor;
  readonly #places = new Map<string, Place>();
  readonly #slots: Slots;
  readonly #delivery: DeliveryContext;
  readonly #ending = new Map<string, { segment: Segment; length: number }>();
  readonly #losses: Record<string, number> = {};
  #segment: Segment | null = null;
  /** Mark at the end of the open range. */
  #mark: Mark | null = null;
  #sealedTo = 0;
  #resumeRanges: Checkpoint['window'];
  #state: PipelineStatus['state'] = 'starting';
  #reason = '';
  #words = '';
  #batches = 0;
  #retries = 0;
  #duplicates = 0;
  #lossCount: number;
  #last: EventReference | undefined;
  #lastDeliveredAt = '';
  #settledEventMs = 0;
  #savedAt = 0;
  #saving: Promise<void> = Promise.resolve();
  #dirty = false;
  #failure: unknown = null;
  #inFlightBytes = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { log, output, resume } = options;
    this.name = output.name;
    this.#window = new Window(resume?.segments ?? [], resume?.totals ?? NO_COUNTS);
    this.#lossCount = resume?.losses ?? 0;
    this.#last = resume?.last;
    this.#resumeRanges = resume?.window ?? [];
    this.#slots = new Slots(options.batch.maxInFlight);
    this.#cutter = new Cutter({
      source: log.name,
      event: options.event,
      filter: options.filter,
      output,
      salvage: options.salvage,
      limits: options.batch,
    });
    for (const record of resume?.segments ?? []) {
      this.#places.set(record.id, { offset: record.settled, done: record.done, marks: record.marks });
    }
    for (const range of this.#resumeRanges) {
      const place = this.#places.get(range.segment);
      this.#places.set(range.segment, { offset: range.to, done: false, marks: place?.marks ?? [] });
    }
    this.#cursor = new Cursor(log, this.#places, {
      maxLineBytes: options.maxLineBytes,
      enter: (segment) => this.#enter(segment),
    });
    this.#delivery = {
      output,
      retry: options.retry,
      sleep: options.sleep,
      random: options.random,
      acceptances: 0,
      answered: (result, bytes, milliseconds) => {
        const again = result.again.length > 0;
        options.notes.sent(milliseconds / 1000, bytes, again ? 'again' : 'stored');
        if (!again) this.#shipping();
      },
      waiting: (state, again, delayMs) => this.#waiting(state, again, delayMs),
      suspect: (alone) => this.#slots.lend(alone),
    };
    log.register(this, resume?.rotations ?? []);
  }

  remembered(id: string): readonly Remembered[] {
    return this.#window.records.filter((record) => record.id === id || record.id.startsWith(`${id}-`));
  }

  /** Whether anything has been recorded as lost, in this run or before. */
  get losses(): Readonly<Record<string, number>> {
    return this.#losses;
  }

  /**
   * Ships until `drain` is aborted (what has been read is still sent then) or `stop` (what is in flight is left, and
   * stands in the checkpoint). Rejects only on faults of the program.
   */
  async run(drain: AbortSignal, stop: AbortSignal): Promise<void> {
    const end = AbortSignal.any([drain, stop]);
    try {
      if (this.#options.resume === null) await this.#beginFirstRun(stop);
      await this.#resume(end, stop);
      while (!end.aborted && this.#failure === null) {
        const piece = await this.#next(stop);
        if (piece !== null) await this.#handle(piece, stop);
        else if (!(await this.#idle(end, stop))) break;
        await this.#sealIfOld(stop);
        if (this.#dirty) this.#saveIfDue();
      }
      if (!stop.aborted) await this.#seal(stop);
      await this.#slots.empty();
    } finally {
      await this.#cursor.pause();
      await this.#slots.empty();
      this.#state = 'stopped';
      await this.#save();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  status(): PipelineStatus {
    const { output, log } = this.#options;
    const lagBytes = this.#cursor.unreadBytes() + this.#unsettledBytes();
    const position = this.#cursor.position;
    return {
      output: output.name,
      source: log.name,
      type: output.type,
      destination: output.destination,
      state: this.#state,
      reason: this.#reason,
      words: this.#words,
      lagBytes,
      lagSeconds: lagBytes === 0 || this.#settledEventMs === 0 ? 0 : Math.max(0, (Date.now() - this.#settledEventMs) / 1000),
      deadlineSeconds: log.deadlineSeconds(this.name),
      inFlight: this.#slots.used,
      batches: this.#batches,
      retries: this.#retries,
      duplicates: this.#duplicates,
      totals: this.#window.totals,
      losses: { ...this.#losses },
      position: position === null ? null : { segment: position.segment.id, name: position.segment.name, offset: position.offset },
      lastDeliveredAt: this.#lastDeliveredAt,
    };
  }

  /** Bytes of memory that are taken by what is being read, cut and sent. */
  get heldBytes(): number {
    return this.#cursor.heldBytes + this.#cutter.capacity + this.#inFlightBytes;
  }

  #unsettledBytes(): number {
    const cut = this.#window.ranges.reduce((sum, range) => sum + (range.settled ? 0 : range.to - range.from), 0);
    return cut + this.#cutter.openBytes;
  }

  // ---- beginning

  /** What `startAt` leaves out stands in the ledger before anything is read. */
  async #beginFirstRun(stop: AbortSignal): Promise<void> {
    for (const { segment, from } of await this.#options.firstRun(this.#options.log.segments)) {
      if (from === 0) continue;
      const closed = segment.closed;
      const offset = Number.isFinite(from) ? from : 0;
      this.#places.set(segment.id, { offset, done: closed, marks: [] });
      await this.#lose({
        reason: 'not-taken',
        proof: 'certain',
        segment: segment.id,
        name: segment.name,
        from: 0,
        ...(offset === 0 ? {} : { to: offset }),
        words: 'startAt begins after it',
      }, stop);
      if (closed) {
        this.#window.finish(segment.id, segment.name, offset);
        await this.#options.log.settled(segment, this.name);
      }
    }
  }

  /** Sends again what had been cut and not settled, in the same cut. */
  async #resume(end: AbortSignal, stop: AbortSignal): Promise<void> {
    const ranges = this.#resumeRanges;
    this.#resumeRanges = [];
    for (const range of ranges) {
      if (end.aborted) return;
      const name = this.#window.record(range.segment)?.name ?? range.segment;
      if (range.settled) {
        this.#window.push({ range, name, mark: null, settled: true });
        continue;
      }
      const segment = this.#options.log.segments.find(({ id }) => id === range.segment);
      if (segment === undefined || segment.gone !== null) {
        await this.#lose({ ...range, name, reason: 'deleted', proof: 'suspected', words: 'it was being sent when the agent ended, and its file is gone: it may have arrived' }, stop);
        continue;
      }
      if (!(await this.#cutAgain(segment, range, stop))) break;
    }
    for (const [id, place] of this.#places) {
      const segment = this.#options.log.segments.find((candidate) => candidate.id === id);
      if (segment !== undefined && place.done && this.#window.record(id)?.done !== true) this.#ending.set(id, { segment, length: place.offset });
    }
  }

  /** False where the bytes are not those any more, and reading went back: what follows is cut anew. */
  async #cutAgain(segment: Segment, range: { from: number; to: number }, stop: AbortSignal): Promise<boolean> {
    const frontier = this.#places.get(segment.id)?.offset ?? range.to;
    await this.#cursor.seek(segment, range.from);
    let same = true;
    while (!stop.aborted && this.#failure === null) {
      if (this.#cutter.open && this.#cutter.to >= range.to) break;
      const piece = await this.#next(stop);
      if (piece === null || piece.kind === 'end') break;
      if (piece.kind === 'rewound') same = false;
      await this.#handle(piece, stop, same ? range.to : Number.POSITIVE_INFINITY);
      if (!this.#cutter.open && same && this.#sealedTo >= range.to) break;
    }
    await this.#seal(stop);
    if (same) await this.#cursor.seek(segment, Math.max(frontier, range.to));
    return same;
  }

  // ---- reading

  async #handle(piece: Piece, stop: AbortSignal, until = Number.POSITIVE_INFINITY): Promise<void> {
    switch (piece.kind) {
      case 'lines':
      case 'torn':
        return this.#cut(piece, stop, until);
      case 'nul':
        await this.#beginAt(piece.segment, piece.offset, stop);
        this.#cutter.skip(piece.end - piece.offset);
        return this.#options.notes.warn('NUL bytes in the log: it was truncated from outside', {
          file: piece.segment.name,
          offset: piece.offset,
          bytes: piece.end - piece.offset,
        });
      case 'oversize':
        return this.#setAsideLong(piece, stop);
      case 'end':
        await this.#seal(stop);
        this.#ending.set(piece.segment.id, { segment: piece.segment, length: piece.length });
        return this.#finishSettled(stop);
      case 'rewound':
        await this.#seal(stop);
        return this.#options.notes.warn('the file is not as it was read: reading again from an older mark', {
          file: piece.segment.name,
          from: piece.from,
          to: piece.to,
        });
      case 'unproven':
        return this.#options.notes.info('nothing proves that two neighbouring files follow on each other', {
          file: piece.segment.name,
          reason: piece.words,
        });
      case 'loss':
        return this.#lose(piece.loss, stop);
    }
  }

  /** The next piece; where the log cannot be read, the pipeline holds until it can. */
  async #next(stop: AbortSignal): Promise<Piece | null> {
    let piece: Piece | null = null;
    await this.#durably('the log', stop, async () => {
      piece = await this.#cursor.next();
      return true;
    });
    return piece;
  }

  async #cut(piece: Extract<Piece, { bytes: Buffer }>, stop: AbortSignal, until: number): Promise<void> {
    let at = piece.start;
    this.#state = this.#state === 'starting' || this.#state === 'idle' ? 'shipping' : this.#state;
    if (piece.kind === 'torn') {
      this.#options.notes.warn('the last line of a file has no end', { file: piece.segment.name, offset: piece.offset });
    }
    while (at < piece.end && !stop.aborted) {
      const offset = piece.offset + at - piece.start;
      if (offset >= until) return;
      await this.#beginAt(piece.segment, offset, stop);
      at = this.#cutter.cut(piece.bytes, at, piece.end, offset, until);
      this.#last = this.#cutter.last ?? this.#last;
      // The buffer is the cursor's: what a later seal will need of it is hashed before the next read.
      this.#mark = this.#cursor.markAt(piece.bytes, at, this.#cutter.to);
      if (at < piece.end || this.#cutter.full) await this.#seal(stop);
    }
  }

  async #beginAt(segment: Segment, offset: number, stop: AbortSignal): Promise<void> {
    if (this.#segment !== segment || this.#cutter.to !== offset) await this.#seal(stop);
    if (!this.#cutter.open) this.#cutter.begin(offset);
    this.#segment = segment;
  }

  async #setAsideLong(piece: Extract<Piece, { kind: 'oversize' }>, stop: AbortSignal): Promise<void> {
    const { segment, offset, end } = piece;
    await this.#beginAt(segment, offset, stop);
    this.#options.notes.warn('a line is longer than maxLineBytes and is set aside', { file: segment.name, offset, bytes: end - offset });
    const letter = {
      source: this.#options.log.name,
      segment: segment.id,
      name: segment.name,
      offset,
      reason: 'oversize',
      status: 0,
      words: `longer than maxLineBytes (${this.#options.maxLineBytes})`,
    };
    await this.#durably('the dead letter', stop, async () => {
      const lease = await segment.lease();
      try {
        return await this.#options.state.setAsideLong(letter, end - offset, (at, into) =>
          lease.content.read(offset + at, into, 0, into.length),
        );
      } finally {
        await lease.release();
      }
    });
    this.#cutter.setAsideElsewhere('oversize', end - offset);
  }

  /** Judges the join with the segment before, when a segment is entered at its beginning. */
  #enter(segment: Segment): Piece[] {
    const { log } = this.#options;
    if (log.isSpool) return [];
    const previous = log.previousOf(segment);
    const first = segment.first;
    const continuity = judge({
      firstMs: first === null ? null : Date.parse(first.time),
      instants: log.instants,
      previousInstantMs: previous?.instantMs ?? null,
      lastReadMs: this.#last === undefined ? null : Date.parse(this.#last.time),
      ownInstantMs: segment.instantMs,
      chained: segment.chained,
    });
    if (continuity === 'continuous') return [];
    const between = `between ${previous?.name ?? 'what was read before'} and ${segment.name}`;
    if (continuity === 'unproven') return [{ kind: 'unproven', segment, words: between }];
    const loss: Loss = {
      reason: 'gap',
      proof: continuity === 'gap' ? 'certain' : 'suspected',
      ...(this.#last === undefined ? {} : { after: this.#last }),
      ...(first === null ? {} : { before: first }),
      words: `events are missing ${between}: the file begins later than the one before it ended`,
    };
    return [{ kind: 'loss', segment, loss }];
  }

  /** Nothing to read now. False where there will be nothing more either. */
  async #idle(end: AbortSignal, stop: AbortSignal): Promise<boolean> {
    const { ending, log, batch } = this.#options;
    if (ending() && !this.#cursor.hasMore()) return false;
    const left = this.#cutter.open ? this.#cutter.startedAt + batch.maxDelay - Date.now() : IDLE_MS;
    if (left <= 0) await this.#seal(stop);
    else {
      if (!this.#cutter.open && this.#slots.used === 0 && this.#state === 'shipping') this.#state = 'idle';
      if (this.#state === 'starting') this.#state = 'idle';
      await log.pulse.wait(left, end);
    }
    return true;
  }

  // ---- sending

  async #sealIfOld(stop: AbortSignal): Promise<void> {
    if (this.#cutter.open && Date.now() - this.#cutter.startedAt >= this.#options.batch.maxDelay) await this.#seal(stop);
  }

  /** Closes the open range, if there is one, and starts to ship it once there is room in flight. */
  async #seal(stop: AbortSignal): Promise<void> {
    if (!this.#cutter.open || this.#segment === null) return;
    const sealed = this.#cutter.seal(this.#segment.id);
    const cut: Cut = {
      range: sealed.range,
      name: this.#segment.name,
      mark: this.#mark?.offset === sealed.range.to ? this.#mark : null,
      settled: false,
    };
    this.#mark = null;
    this.#sealedTo = sealed.range.to;
    const eventMs = this.#last === undefined ? 0 : Date.parse(this.#last.time);
    this.#window.push(cut);
    if (sealed.batch.count === 0 && sealed.setAside.length === 0) {
      this.#settle(cut, sealed.tally, eventMs);
      this.#cutter.recycle(sealed);
      return;
    }
    await this.#slots.take(stop);
    if (stop.aborted) return;
    const held = sealed.batch.bytes.length;
    this.#inFlightBytes += held;
    this.#slots.run(async () => {
      try {
        await this.#ship(sealed, cut, eventMs, stop);
      } catch (error) {
        if (!stop.aborted) this.#failure ??= error;
      } finally {
        this.#inFlightBytes -= held;
      }
    });
  }

  async #ship(sealed: Sealed, cut: Cut, eventMs: number, stop: AbortSignal): Promise<void> {
    await this.#noteBefore(stop);
    await this.#setAside(sealed.setAside, cut, stop);
    const { rejected, duplicates } = await deliver(sealed.batch, this.#delivery, stop);
    await this.#refused(sealed, cut, rejected, stop);
    this.#account(sealed, rejected);
    this.#batches += 1;
    this.#duplicates += duplicates;
    this.#lastDeliveredAt = new Date().toISOString();
    this.#settle(cut, sealed.tally, eventMs);
    this.#cutter.recycle(sealed);
    this.#note();
    await this.#finishSettled(stop);
  }

  #account({ batch, tally, lineBytes }: Sealed, rejected: readonly Rejection[]): void {
    let bytes = 0;
    for (let item = 0; item < batch.count; item += 1) bytes += lineBytes[item] as number;
    for (const { item, reason, outcome } of rejected) {
      const length = lineBytes[item] as number;
      bytes -= length;
      if (outcome === 'lost') tally.lose(reason, length);
      else tally.deadLetter(reason, length);
    }
    tally.delivered += batch.count - rejected.length;
    tally.deliveredBytes += bytes;
  }

  /** What the receiver will never take: a copy in the dead letter, or a record of the range. */
  async #refused({ batch }: Sealed, cut: Cut, rejected: readonly Rejection[], stop: AbortSignal): Promise<void> {
    if (rejected.length === 0) return;
    const { output, log, notes } = this.#options;
    const letters = rejected
      .filter(({ outcome }) => outcome === 'deadLettered')
      .map(({ item, reason, status, words }) => ({
        source: log.name,
        segment: cut.range.segment,
        name: cut.name,
        offset: batch.lineOffset(item),
        reason,
        status,
        words,
        bytes: output.eventBytes(batch, item),
      }));
    if (letters.length > 0) await this.#durably('the dead letter', stop, () => this.#options.state.setAside(letters));
    const lost = rejected.filter(({ outcome }) => outcome === 'lost');
    for (const group of Object.values(Object.groupBy(lost, ({ reason }) => reason))) {
      if (group === undefined) continue;
      const offsets = group.map(({ item }) => batch.lineOffset(item));
      const { reason, words } = group[0] as Rejection;
      await this.#lose({
        reason: 'too-old',
        proof: 'certain',
        segment: cut.range.segment,
        name: cut.name,
        from: Math.min(...offsets),
        to: cut.range.to,
        words: `${group.length} events refused for good (${reason}): ${words}`,
      }, stop);
    }
    const first = rejected[0] as Rejection;
    notes.warn('the receiver refused events for good', {
      output: output.name,
      events: rejected.length,
      reason: first.reason,
      status: first.status,
      words: first.words,
    });
  }

  async #setAside(setAside: readonly SetAside[], cut: Cut, stop: AbortSignal): Promise<void> {
    if (setAside.length === 0) return;
    const letters = setAside.map(({ reason, words, offset, bytes }) => ({
      source: this.#options.log.name,
      segment: cut.range.segment,
      name: cut.name,
      offset,
      reason,
      status: 0,
      words,
      bytes,
    }));
    await this.#durably('the dead letter', stop, () => this.#options.state.setAside(letters));
    const byReason = Object.groupBy(setAside, ({ reason }) => reason);
    for (const [reason, group = []] of Object.entries(byReason)) {
      const message = group[0]?.counts === false ? 'events were too large and went out in part; they are kept whole' : 'lines were set aside';
      this.#options.notes.warn(message, { output: this.name, file: cut.name, offset: group[0]?.offset, reason, count: group.length });
    }
  }

  #settle(cut: Cut, counts: Counts, eventMs: number): void {
    this.#window.settle(cut, counts);
    this.#settledEventMs = Math.max(this.#settledEventMs, eventMs);
    this.#dirty = true;
    const place = this.#places.get(cut.range.segment);
    const record = this.#window.record(cut.range.segment);
    if (place !== undefined && record !== undefined) place.marks = record.marks;
  }

  /** Closes the account of segments that have been read and settled to their end. */
  async #finishSettled(stop: AbortSignal): Promise<void> {
    for (const [id, { segment, length }] of this.#ending) {
      if (!this.#window.isSettled(id)) continue;
      this.#ending.delete(id);
      const { counts } = this.#window.finish(id, segment.name, length);
      await this.#durably('the ledger', stop, async () => {
        await this.#options.state.segmentSettled({ id, name: segment.name, bytes: length, counts });
        return true;
      });
      this.#forgetVanished();
      this.#dirty = true;
      await this.#save();
      await this.#options.log.settled(segment, this.name);
    }
  }

  /** Records of segments that are settled and no longer there are of no use. */
  #forgetVanished(): void {
    if (!this.#options.log.readable) return;
    const present = new Set(this.#options.log.segments.map(({ id }) => id));
    for (const { id, done } of this.#window.records) {
      if (done && !present.has(id)) {
        this.#window.forget(id);
        this.#places.delete(id);
      }
    }
  }

  // ---- what must survive

  async #lose(loss: Loss, stop: AbortSignal): Promise<void> {
    this.#losses[loss.reason] = (this.#losses[loss.reason] ?? 0) + 1;
    this.#lossCount += 1;
    await this.#durably('the ledger', stop, async () => {
      await this.#options.state.lost(loss);
      return true;
    });
    this.#dirty = true;
    const say = loss.reason === 'not-taken' ? this.#options.notes.warn : this.#options.notes.error;
    say('a part of the trail is lost to this output', { output: this.name, ...loss });
  }

  /** Does what the pipeline cannot go on without: until it succeeds, the pipeline holds. */
  async #durably(what: string, stop: AbortSignal, act: () => Promise<boolean>): Promise<void> {
    const backoff = new Backoff(this.#options.retry, this.#options.random);
    while (!stop.aborted) {
      let words = `${what} is full: make room with the dead-letter commands, or raise deadLetter.maxBytes`;
      let reason = 'dead-letter-full';
      try {
        if (await act()) return;
      } catch (error) {
        words = `${what} cannot be used: ${messageOf(error)}`;
        reason = what === 'the log' ? 'log-unreadable' : 'state-unwritable';
      }
      const delay = backoff.next(200);
      this.#hold(reason, words);
      await this.#options.sleep(delay, stop);
    }
    stop.throwIfAborted();
  }

  #checkpoint(): Checkpoint {
    const { log, output, filter, origin } = this.#options;
    return {
      output: output.name,
      destination: output.destination,
      source: log.name,
      origin,
      filter: filter.hash,
      segments: this.#window.records,
      window: this.#window.ranges,
      rotations: log.instants,
      totals: this.#window.totals,
      ...(this.#last === undefined ? {} : { last: this.#last }),
      losses: this.#lossCount,
      writtenAt: new Date().toISOString(),
    };
  }

  /** Before a batch is sent. Where a second copy could not be recognised, nothing is sent without the note. */
  async #noteBefore(stop: AbortSignal): Promise<void> {
    if (this.#note() || this.#options.output.idempotent) return;
    await this.#durably('the checkpoint', stop, async () => {
      this.#options.state.note(this.#checkpoint());
      return true;
    });
  }

  #note(): boolean {
    try {
      this.#options.state.note(this.#checkpoint());
      return true;
    } catch (error) {
      this.#stateTrouble(error);
      return false;
    }
  }

  async #saveIfDue(): Promise<void> {
    if (Date.now() - this.#savedAt < this.#options.checkpointIntervalMs) return;
    this.#savedAt = Date.now();
    this.#dirty = false;
    // Not awaited: the disk may be slow, and the pipeline need not be. One at a time all the same.
    const checkpoint = this.#checkpoint();
    this.#saving = this.#saving.then(() => this.#options.state.save(checkpoint)).catch((error: unknown) => this.#stateTrouble(error));
  }

  async #save(): Promise<void> {
    this.#savedAt = Date.now();
    this.#dirty = false;
    await this.#saving;
    try {
      await this.#options.state.save(this.#checkpoint());
    } catch (error) {
      this.#stateTrouble(error);
    }
  }

  #stateTrouble(error: unknown): void {
    this.#dirty = true;
    this.#options.notes.error('the checkpoint cannot be written', { output: this.name, words: messageOf(error) });
  }

  // ---- what people see

  #shipping(): void {
    if (this.#state === 'holding' || this.#state === 'retrying') {
      this.#options.notes.info('the receiver takes events again', { output: this.name });
    }
    this.#state = 'shipping';
    this.#reason = '';
    this.#words = '';
  }

  #hold(reason: string, words: string): void {
    if (this.#state !== 'holding' || this.#reason !== reason) {
      this.#options.notes.error('the pipeline holds: nothing is lost, and nothing goes on until this is mended', {
        output: this.name,
        reason,
        words,
      });
    }
    this.#state = 'holding';
    this.#reason = reason;
    this.#words = words;
  }

  #waiting(state: 'retrying' | 'holding', again: Again, delayMs: number): void {
    this.#retries += 1;
    if (state === 'holding') return this.#hold(again.reason, again.words);
    if (this.#state !== 'retrying' || this.#reason !== again.reason) {
      this.#options.notes.warn('the receiver did not take a batch: it is sent again', {
        output: this.name,
        status: again.status,
        reason: again.reason,
        words: again.words,
        delayMs,
      });
    }
    this.#state = 'retrying';
    this.#reason = again.reason;
    this.#words = again.words;
  }
}
