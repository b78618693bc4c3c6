import type { BatchConfig, ReadingOrder, RetryConfig } from '../config/schema.ts';
import type { Filter } from '../filter/filter.ts';
import type { PipelineStatus } from '../inspect/status.ts';
import { Cursor, type Piece, type Place } from '../log/cursor.ts';
import type { Log, LogReader, Remembered } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { Output } from '../output/output.ts';
import type { Checkpoint, Mark } from '../state/checkpoint.ts';
import { Beginning, type FirstRun } from './beginning.ts';
import { BodyLimit } from './body-limit.ts';
import { Condition } from './condition.ts';
import { Cutter } from './cutter.ts';
import { piecesAtJoin } from './join.ts';
import { LARGE_BYTES, type LargeLines } from './large-lines.ts';
import { LongLines } from './long-lines.ts';
import type { PipelineNotes } from './notes.ts';
import type { PipelineState } from './pipeline-state.ts';
import { Patience } from './patience.ts';
import { Progress } from './progress.ts';
import { ReadLimit } from './read-limit.ts';
import { Recutting } from './recutting.ts';
import type { EventReader, Salvage, Sealed } from './sealed.ts';
import { Shipping } from './shipping.ts';
import { type Cut, cutOf, MAX_RANGES } from './window.ts';

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
  /** Bytes per second that are read of the log at most. */
  readonly maxReadRate: number | 'off';
  /** What is read first of a backlog. */
  readonly order: ReadingOrder;
  readonly checkpointIntervalMs: number;
  readonly state: PipelineState;
  readonly notes: PipelineNotes;
  readonly resume: Checkpoint | null;
  /** Whether nothing more will come: then it ends when all that is there has been delivered. */
  readonly ending: () => boolean;
  /** Rejects with the signal's reason, or an `AbortError`, when it is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Shared by all pipelines of the agent. */
  readonly largeLines: LargeLines;
  readonly firstRun: FirstRun;
}

const IDLE_MS = 1000;
/** The log wakes whoever waits for more; this is the net under it. */
const QUIET_MS = 10_000;

/** One output's way through one source: cursor, filter, batch, send, settle, checkpoint. */
export class Pipeline implements LogReader {
  readonly name: string;
  readonly #options: PipelineOptions;
  readonly #condition: Condition;
  readonly #progress: Progress;
  readonly #shipping: Shipping;
  readonly #cutter: Cutter;
  readonly #recutting: Recutting;
  readonly #beginning: Beginning;
  readonly #longLines: LongLines;
  readonly #cursor: Cursor;
  readonly #readLimit: ReadLimit;
  readonly #places = new Map<string, Place>();
  /** Aborted when something has failed: what is in flight must not wait for ever then. */
  readonly #failed = new AbortController();
  #failure: unknown = null;
  #end: AbortSignal = this.#failed.signal;
  /** Whether what has been read can be read again from any place in it: not so a line without its end. */
  #repeatable = false;
  /** Whether the memory of what was being read was given back: it has to be read again. */
  #interrupted = false;
  #segment: Segment | null = null;
  /** Mark at the end of the open range. */
  #mark: Mark | null = null;
  /** What is to judge from the next batch on. */
  #nextFilter: Filter | null = null;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { log, output, resume, notes } = options;
    this.name = output.name;
    this.#condition = new Condition(output.name, notes);
    const forgotten = (segment: string) => void this.#places.delete(segment);
    const progress = new Progress({
      ...options,
      condition: this.#condition,
      forgotten,
    });
    this.#progress = progress;
    const bodyLimit = new BodyLimit(options.batch);
    const cutterOptions = { ...options, source: log.name };
    this.#cutter = new Cutter({ ...cutterOptions, limits: bodyLimit });
    this.#longLines = new LongLines({ ...options, progress });
    this.#recutting = new Recutting({
      ...options,
      progress,
      // What had been cut under other limits stays one batch.
      cutter: new Cutter({ ...cutterOptions, limits: options.batch }),
      longLines: this.#longLines,
    });
    this.#shipping = new Shipping({
      ...options,
      progress,
      bodyLimit,
      condition: this.#condition,
      cutAgain: (cut, who, signal) => this.#recutting.whole(cut, who, signal),
      giveBack: (sealed) => {
        this.#cutter.recycle(sealed);
        this.#recutting.recycle(sealed);
      },
    });
    this.#beginning = new Beginning({
      ...options,
      progress,
      places: this.#places,
      room: (signal) => this.#shipping.room(signal),
      cut: (cut, signal) => this.#recutting.cut(cut, this, signal),
      ship: (sealed, cut, signal) => this.#ship(sealed, cut, signal, true),
    });
    for (const { id, settled, done, marks } of resume?.segments ?? []) {
      this.#places.set(id, { offset: settled, done, marks });
    }
    for (const { settled, filter: filterHash = resume?.filter ?? '', throttled = [], ...range } of resume?.window ??
      []) {
      const place = this.#places.get(range.segment);
      this.#places.set(range.segment, { offset: range.to, done: false, marks: place?.marks ?? [] });
      const name = progress.window.record(range.segment)?.name ?? range.segment;
      progress.window.push({ range, name, mark: null, firstMs: 0, filterHash, throttled, settled });
    }
    const now = performance.now.bind(performance);
    const pressure = () => log.pressure(this.name);
    const patience = new Patience({ output: output.name, pressure, notes, now });
    // As long as an event waits for others, so long may new ones wait for a backlog.
    const liveFirst = { mayWait: () => patience.mayWait(), stayMs: options.batch.maxDelay };
    this.#cursor = new Cursor(log, this.#places, {
      maxLineBytes: options.maxLineBytes,
      nameOf: (segment) => progress.window.record(segment)?.name,
      known: (name) => progress.window.records.some((record) => stemOf(record.name) === stemOf(name)),
      enter: (segment) => this.#judgeJoin(segment),
      ...(options.order === 'live-first' ? { liveFirst } : {}),
      large: { largeBytes: LARGE_BYTES, room: () => this.#turnForLargeLine() },
    });
    this.#readLimit = new ReadLimit({
      output: output.name,
      maxReadRate: options.maxReadRate,
      pressure: () => ({ ...pressure(), unreadBytes: this.#cursor.oldestUnreadBytes() }),
      notes,
      now,
    });
    log.register(this, resume?.rotations ?? []);
  }

  remembered(id: string): readonly Remembered[] {
    return this.#progress.window.alike(id);
  }

  /** What has been recorded as lost in this run, by reason. */
  get losses(): Readonly<Record<string, number>> {
    return this.#progress.losses;
  }

  /**
   * Ships until `drain` is aborted (what has been read is still sent then) or `stop` (what is in flight is left, and
   * stands in the checkpoint). Rejects only on faults of the program.
   */
  async run(drain: AbortSignal, stopped: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([stopped, this.#failed.signal]);
    const end = AbortSignal.any([drain, stop]);
    this.#end = end;
    try {
      await this.#beginning.begin(end, stop);
      while (!end.aborted) {
        await this.#takeNextFilter(stop);
        if (!(await this.#heldBack(end))) {
          const piece = await this.#next(stop);
          if (piece !== null) await this.#handle(piece, stop);
          else if (!(await this.#idle(end, stop))) break;
        }
        await this.#sealIfOld(stop);
        this.#progress.saveIfDue();
      }
      await this.#seal(stop);
    } catch (error) {
      // Told to stop, whatever waits is interrupted: it stands in the checkpoint.
      if (!stop.aborted) this.#fail(error);
    }
    await this.#shipping.empty();
    await this.#cursor.pause();
    this.#condition.calm('stopped');
    await this.#progress.save();
    if (this.#failure !== null) throw this.#failure;
  }

  /** From the next batch on, another filter judges. What was cut before is sent as it was cut. */
  useFilter(filter: Filter): void {
    this.#nextFilter = filter;
    this.#options.log.pulse.beat();
  }

  status(): PipelineStatus {
    const { output, log } = this.#options;
    const { window, losses } = this.#progress;
    const { batches, retries, duplicates, lastDeliveredAt, inFlight } = this.#shipping;
    const lagBytes = this.#cursor.unreadBytes() + window.unsettledBytes + this.#cutter.openBytes;
    const position = this.#cursor.position;
    return {
      output: output.name,
      source: log.name,
      type: output.type,
      destination: output.destination,
      state: this.#condition.state,
      reason: this.#condition.reason,
      words: this.#condition.words,
      lagBytes,
      lagSeconds: lagBytes === 0 ? 0 : Math.max(0, (Date.now() - this.#oldestMs()) / 1000),
      deadlineSeconds: log.deadlineSeconds(this.name),
      lastError: this.#condition.lastError,
      inFlight,
      batches,
      retries,
      duplicates,
      filter: this.#progress.filterHash,
      ...(this.#readLimit.status === null ? {} : { readLimit: this.#readLimit.status }),
      totals: window.totals,
      losses: { ...losses },
      position:
        position === null
          ? null
          : { segment: position.segment.id, name: position.segment.name, offset: position.offset },
      lastDeliveredAt,
    };
  }

  /** Bytes of memory that are taken by what is being read, cut and sent. */
  get heldBytes(): number {
    return this.#cursor.heldBytes + this.#cutter.heldBytes + this.#recutting.heldBytes;
  }

  /** When the oldest event was made that is not settled: of what has not been read, no older than the last one that was. */
  #oldestMs(): number {
    const { window, last } = this.#progress;
    const waitingMs = Date.parse(this.#cursor.waiting?.first?.time ?? '');
    if (waitingMs > 0) return waitingMs;
    const known = window.oldestMs || this.#cutter.firstMs;
    if (known > 0) return known;
    const first = this.#options.log.segments.find(({ id }) => this.#places.get(id)?.done !== true)?.first;
    return Date.parse(last?.time ?? first?.time ?? '') || Date.now();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#failed.abort(error);
  }

  async #takeNextFilter(stop: AbortSignal): Promise<void> {
    if (this.#nextFilter === null) return;
    await this.#seal(stop);
    const filter = this.#nextFilter;
    this.#nextFilter = null;
    this.#cutter.useFilter(filter);
    this.#recutting.useFilter(filter);
    const { notes, output } = this.#options;
    notes.info('another filter judges from here on', {
      output: output.name,
      before: this.#progress.filterHash,
      filter: filter.hash,
    });
    this.#progress.filterHash = filter.hash;
    this.#progress.touch();
  }

  // ---- reading

  async #handle(piece: Piece, stop: AbortSignal): Promise<void> {
    const { notes } = this.#options;
    switch (piece.kind) {
      case 'lines':
      case 'torn':
        return this.#cut(piece, stop);
      case 'nul':
        await this.#beginAt(piece.segment, piece.offset, stop);
        this.#cutter.skip(piece.end - piece.offset);
        return notes.warn('NUL bytes in the log: it was truncated from outside', {
          file: piece.segment.name,
          offset: piece.offset,
          bytes: piece.end - piece.offset,
        });
      case 'oversize':
        await this.#beginAt(piece.segment, piece.offset, stop);
        await this.#longLines.setAside(piece, stop);
        return this.#cutter.setAsideElsewhere('oversize', piece.end - piece.offset);
      case 'end':
        await this.#seal(stop);
        this.#progress.ended(piece.segment, piece.length);
        return this.#progress.finishSettled(stop);
      case 'rewound':
        await this.#seal(stop);
        return notes.warn('the file is not as it was read: reading again from an older mark', {
          file: piece.segment.name,
          from: piece.from,
          to: piece.to,
        });
      case 'put-off':
        for (const { id, name } of piece.waiting) this.#progress.window.expect(id, name);
        this.#progress.touch();
        return notes.info('newer events are read first', {
          output: this.name,
          file: piece.segment.name,
          waiting: piece.waiting.length,
        });
      case 'unproven':
        return notes.info('nothing proves that two neighbouring files follow on each other', {
          file: piece.segment.name,
          reason: piece.words,
        });
      case 'loss':
        await this.#seal(stop);
        return this.#progress.lose(piece.loss, stop);
    }
  }

  /** What is to be said of the join of a segment with the one before it. */
  #judgeJoin(segment: Segment): Piece[] {
    const { log, order } = this.#options;
    const { last, rotations } = this.#progress;
    if (order === 'oldest-first') return piecesAtJoin(log, { last, isNext: true }, rotations, segment);
    const previous = log.previousOf(segment);
    // Where nothing has been read, and the one before it waits, that is there all the same.
    const waits = previous !== null && this.#places.get(previous.id)?.done !== true;
    const before = last ?? (waits ? (previous.first ?? undefined) : undefined);
    return piecesAtJoin(
      log,
      { last: before, isNext: previous !== null && previous === this.#segment },
      rotations,
      segment,
    );
  }

  /** The next piece; where the log cannot be read, the pipeline holds until it can. */
  async #next(stop: AbortSignal): Promise<Piece | null> {
    let piece: Piece | null = null;
    await this.#progress.durably('the log', stop, async () => {
      piece = await this.#cursor.next();
      return true;
    });
    if (piece !== null) this.#readLimit.took(bytesOf(piece));
    // A long line that the filter has dropped is over with the next read.
    if (this.#cursor.heldBytes <= LARGE_BYTES) this.#options.largeLines.release(this);
    return piece;
  }

  /** Waits a moment where as much has been read as may be; false where it may read on. */
  async #heldBack(end: AbortSignal): Promise<boolean> {
    const { log, batch, largeLines } = this.#options;
    const waitMs = this.#readLimit.waitMs();
    if (waitMs === 0) return false;
    if (largeLines.holds(this)) {
      await this.#cursor.pause();
      largeLines.release(this);
    }
    const left = this.#cutter.open ? this.#cutter.startedAt + batch.maxDelay - Date.now() : waitMs;
    await log.pulse.wait(Math.min(waitMs, left), end);
    return true;
  }

  async #cut(piece: Extract<Piece, { bytes: Buffer }>, stop: AbortSignal): Promise<void> {
    this.#condition.calm('shipping');
    if (piece.kind === 'torn') {
      this.#options.notes.warn('the last line of a file has no end', {
        file: piece.segment.name,
        offset: piece.offset,
      });
    }
    this.#repeatable = piece.kind === 'lines';
    this.#interrupted = false;
    for (let at = piece.start; at < piece.end; ) {
      stop.throwIfAborted();
      const offset = piece.offset + at - piece.start;
      await this.#beginAt(piece.segment, offset, stop);
      at = this.#cutter.cut(piece.bytes, at, piece.end, offset);
      this.#progress.last = this.#cutter.last ?? this.#progress.last;
      // The buffer is the cursor's: what a later seal will need of it is hashed before the next read.
      this.#mark = this.#cursor.markAt(piece.bytes, at, this.#cutter.to);
      if (at < piece.end || this.#cutter.full) await this.#seal(stop);
      if (!this.#interrupted) continue;
      this.#interrupted = false;
      if (at < piece.end) await this.#readAgainFrom(piece.segment, piece.offset + at - piece.start, stop);
      return;
    }
  }

  /** Waits for the turn of this pipeline, but does not hold the end of the agent up. */
  async #turnForLargeLine(): Promise<void> {
    try {
      await this.#options.largeLines.take(this, this.#end);
    } catch (error) {
      if (!this.#end.aborted) throw error;
    }
  }

  /** Before a wait of which nobody knows how long it takes, others get their turn. */
  async #giveReadingBack(): Promise<void> {
    this.#options.largeLines.release(this);
    if (!this.#repeatable) return;
    await this.#cursor.pause();
    this.#interrupted = true;
  }

  async #readAgainFrom(segment: Segment, offset: number, stop: AbortSignal): Promise<void> {
    await this.#progress.durably('the log', stop, async () => {
      await this.#cursor.seek(segment, offset);
      return true;
    });
  }

  async #beginAt(segment: Segment, offset: number, stop: AbortSignal): Promise<void> {
    if (this.#segment !== segment || this.#cutter.to !== offset) await this.#seal(stop);
    if (!this.#cutter.open) this.#cutter.begin(offset);
    this.#segment = segment;
  }

  /** Nothing to read now. False where there will be nothing more either. */
  async #idle(end: AbortSignal, stop: AbortSignal): Promise<boolean> {
    const { ending, log, batch, largeLines, checkpointIntervalMs, output } = this.#options;
    if (ending() && !this.#cursor.hasMore()) return false;
    if (largeLines.holds(this)) {
      // The end of a long line has not been written yet: others get their turn until it may have been.
      await this.#cursor.pause();
      largeLines.release(this);
      await this.#sleep(end);
      return true;
    }
    const maxDelay = output.hurries === true ? 0 : batch.maxDelay;
    const left = this.#cutter.open ? this.#cutter.startedAt + maxDelay - Date.now() : QUIET_MS;
    if (left <= 0) await this.#seal(stop);
    else {
      if (!this.#cutter.open && this.#shipping.inFlight === 0) this.#condition.calm('idle');
      const waitMs = Math.min(left, this.#progress.unsaved ? checkpointIntervalMs : QUIET_MS);
      const beganAt = performance.now();
      await log.pulse.wait(waitMs, end);
      if (waitMs === QUIET_MS && performance.now() - beganAt >= QUIET_MS) this.#cutter.rest();
    }
    return true;
  }

  async #sleep(end: AbortSignal): Promise<void> {
    try {
      await this.#options.sleep(IDLE_MS, end);
    } catch (error) {
      if (!end.aborted) throw error;
    }
  }

  async #sealIfOld(stop: AbortSignal): Promise<void> {
    if (this.#cutter.open && Date.now() - this.#cutter.startedAt >= this.#options.batch.maxDelay)
      await this.#seal(stop);
  }

  /** Closes the open range, if there is one, and starts to ship it once there is room in flight. */
  async #seal(stop: AbortSignal): Promise<void> {
    if (!this.#cutter.open || this.#segment === null) return;
    const { window } = this.#progress;
    const sealed = this.#cutter.seal(this.#segment.id);
    const cut = cutOf(sealed, this.#segment.name, this.#mark?.offset === sealed.range.to ? this.#mark : null);
    this.#mark = null;
    window.push(cut);
    await this.#ship(sealed, cut, stop);
    // Behind one that can't be settled, no more than so many may wait.
    while (window.cuts.length >= MAX_RANGES && !stop.aborted) {
      await this.#options.log.pulse.wait(IDLE_MS, stop);
      await this.#loseGone(stop);
    }
  }

  /** Waits for room in flight. What the log lets go meanwhile is said now: nobody knows how long the wait takes. */
  async #room(stop: AbortSignal): Promise<void> {
    if (this.#shipping.hasRoom) return;
    const { log } = this.#options;
    // Room that is only lent may be gone again a moment later: it was there, and that is enough.
    const room = { found: false };
    const find = async () => {
      await this.#shipping.room(stop);
      room.found = true;
      log.pulse.beat();
    };
    const finding = find();
    while (!room.found) {
      await log.pulse.wait(IDLE_MS, stop);
      await this.#loseGone(stop);
    }
    await finding;
  }

  async #loseGone(stop: AbortSignal): Promise<void> {
    for (const piece of this.#cursor.takeGone()) {
      if (piece.kind === 'loss') await this.#progress.lose(piece.loss, stop);
      else if (piece.kind === 'end') this.#progress.ended(piece.segment, piece.length);
    }
    await this.#progress.finishSettled(stop);
  }

  async #ship(sealed: Sealed, cut: Cut, stop: AbortSignal, again = false): Promise<void> {
    if (sealed.batch.count === 0 && sealed.setAside.length === 0) {
      this.#progress.window.settle(cut, sealed.tally);
      this.#progress.touch();
      this.#cutter.recycle(sealed);
      this.#recutting.recycle(sealed);
      return;
    }
    const shipment = this.#shipping.shipmentOf(sealed, cut);
    // Nobody knows when there will be room: others have their long lines, too, and so have the batches in flight.
    if (!this.#shipping.hasRoom && (shipment.large || this.#options.largeLines.holds(this))) {
      shipment.rest();
      await this.#giveReadingBack();
    }
    await this.#room(stop);
    stop.throwIfAborted();
    if (shipment.large) this.#options.largeLines.hand(this, shipment);
    this.#shipping.begin(shipment, again, stop, (error) => this.#fail(error));
  }
}

/** A backup's name without `.gz`: it may have been compressed since. */
function stemOf(name: string): string {
  return name.endsWith('.gz') ? name.slice(0, -'.gz'.length) : name;
}

/** What was read of the log for it. */
function bytesOf(piece: Piece): number {
  switch (piece.kind) {
    case 'lines':
    case 'torn':
      return piece.end - piece.start;
    case 'oversize':
    case 'nul':
      return piece.end - piece.offset;
    default:
      return 0;
  }
}
