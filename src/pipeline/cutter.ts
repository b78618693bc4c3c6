import { hash } from 'node:crypto';
import type { Malformed } from '../event/event.ts';
import { applySplices, type Splice } from '../event/splice.ts';
import type { Filter } from '../filter/filter.ts';
import { Decisions, type Runs } from '../filter/throttle/decisions.ts';
import type { EventReference } from '../log/loss.ts';
import { BatchBuilder } from './batch.ts';
import { type CutterOptions, MALFORMED_WORDS, type Sealed, type SetAside } from './sealed.ts';
import { Tally } from './tally.ts';

const NEWLINE = 10;
/** For the event that shows that the batch is full. */
const ROOM = 64 * 1024;
/** A long stretch of which nothing is let through moves the cursor too. */
const MAX_SCANNED_BYTES = 8 * 1024 * 1024;
/** What a throttle said stands in the checkpoint while the range is in flight. */
const MAX_RUNS = 8192;
const SCRATCH_BYTES = 256 * 1024;
const MIN_AHEAD_BYTES = 16 * 1024;

/** Cuts the lines of one segment after the other into batches: reads each event, asks the filter, lets the output encode it. */
export class Cutter {
  readonly #options: CutterOptions;
  #filter: Filter;
  #builder: BatchBuilder;
  readonly #spare: BatchBuilder[] = [];
  /** Builders of batches that have not been given back. */
  readonly #out = new Set<BatchBuilder>();
  /** Where an event stands that the filter has edited. */
  readonly #scratch = { bytes: Buffer.alloc(0) };
  #tally = new Tally();
  #decisions = new Decisions(null);
  /** What the throttle said of the event at this offset, which did not fit any more: it is not asked twice. */
  #carried: { readonly offset: number; readonly answer: number } | null = null;
  #setAside: SetAside[] = [];
  #from = 0;
  #to = 0;
  #last: EventReference | null = null;
  /** Where the last whole event of a call of `cut` stands. */
  #lastStart = -1;
  #lastEnd = -1;
  #firstMs = 0;
  #startedAt = 0;

  constructor(options: CutterOptions) {
    this.#options = options;
    this.#filter = options.filter;
    this.#builder = this.#newBuilder();
  }

  /** Whether there is a range that has not been sealed. */
  get open(): boolean {
    return this.#to > this.#from;
  }

  get openBytes(): number {
    return this.#to - this.#from;
  }

  /** Bytes of memory held, batches that are in flight included. */
  get heldBytes(): number {
    let sum = this.#builder.capacity + this.#scratch.bytes.length;
    for (const builder of this.#spare) sum += builder.capacity;
    for (const builder of this.#out) sum += builder.capacity;
    return sum;
  }

  /** When the first byte of the open range was cut, ms since the epoch. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** When the first event of the open range was made, ms since the epoch; 0 where there is none. */
  get firstMs(): number {
    return this.#firstMs;
  }

  get to(): number {
    return this.#to;
  }

  /** The last event that was read, whatever became of it; known after each call of `cut`. */
  get last(): EventReference | null {
    return this.#last;
  }

  /** Judges by another filter from the next range on. No range may be open. */
  useFilter(filter: Filter): void {
    if (this.open) throw new Error('a range is decided by one filter');
    if (filter === this.#filter) return;
    this.#filter = filter;
    this.#carried = null;
  }

  /**
   * Begins a range. The one before must have been sealed. `throttled` is what the throttle said of its events when it was
   * cut before.
   */
  begin(offset: number, throttled: Runs | null = null): void {
    this.#from = offset;
    this.#to = offset;
    this.#decisions = new Decisions(throttled);
  }

  /**
   * Cuts lines from `start` on; gives the index in `bytes` up to which it came: less than `end` where the batch is full
   * and has to be sealed first. `offset` is the offset in the segment of the byte at `start`; `until` one that no batch
   * may go beyond (a range that is cut again as it was).
   */
  cut(bytes: Buffer, start: number, end: number, offset: number, until = Number.POSITIVE_INFINITY): number {
    if (!this.open) this.#startedAt = Date.now();
    this.#lastStart = -1;
    const base = offset - start;
    let at = start;
    // What was seen ahead before may have changed, or others have looked meanwhile.
    this.#lookAhead(bytes, start, end);
    while (at < end && base + at < until) {
      const stop = this.#lineEnd(bytes, at, end, at > start);
      const next = Math.min(end, stop + 1);
      if (!this.#line(bytes, at, stop, next - at, base + at)) break;
      at = next;
      this.#to = base + at;
      if (this.full) break;
    }
    this.#rememberLast(bytes);
    return at;
  }

  get #maxBytes(): number {
    const { limits, output } = this.#options;
    return Math.min(limits.maxBytes, output.maxBatchBytes);
  }

  get full(): boolean {
    return (
      this.#builder.count >= this.#options.limits.maxEvents ||
      this.#builder.length >= this.#maxBytes ||
      this.#to - this.#from >= MAX_SCANNED_BYTES ||
      this.#decisions.runs.length >= MAX_RUNS
    );
  }

  /** Counts bytes that are no line. */
  skip(bytes: number): void {
    if (!this.open) this.#startedAt = Date.now();
    this.#tally.skippedBytes += bytes;
    this.#to += bytes;
  }

  /** Counts a line that was set aside straight from disk. */
  setAsideElsewhere(reason: string, bytes: number): void {
    if (!this.open) this.#startedAt = Date.now();
    this.#tally.readEvents += 1;
    this.#tally.readBytes += bytes;
    this.#tally.deadLetter(reason, bytes);
    this.#to += bytes;
  }

  /** Closes the range; the next one begins where it ends. */
  seal(segment: string): Sealed {
    const { source } = this.#options;
    const filter = this.#filter;
    const range = { segment, from: this.#from, to: this.#to };
    // Under another filter the same range holds other events: no receiver may take it for the one that it has.
    const text = `${source}\n${segment}\n${range.from}\n${range.to}\n${filter.hash}`;
    const key = hash('sha256', text, 'hex').slice(0, 32);
    const sealed = {
      batch: this.#builder.seal(key, source, range),
      range,
      tally: this.#tally,
      setAside: this.#setAside,
      firstMs: this.#firstMs,
      builder: this.#builder,
      filter,
      throttled: this.#decisions.runs,
    };
    this.#out.add(this.#builder);
    this.#builder = this.#spare.pop() ?? this.#newBuilder();
    this.#tally = new Tally();
    this.#decisions = this.#decisions.next();
    this.#setAside = [];
    this.#firstMs = 0;
    this.#from = this.#to;
    return sealed;
  }

  /** Takes back the memory of a batch that is settled: a new megabyte for each costs more than filling it. */
  recycle({ builder }: Sealed): void {
    if (!this.#out.delete(builder)) return;
    // What a large event made it grow to is not needed again soon.
    if (builder.capacity > (this.#maxBytes + ROOM) * 2) return;
    builder.reset();
    this.#spare.push(builder);
  }

  /** Gives back what nothing is in: more comes later, or never. What a new builder does not fill takes no memory. */
  rest(): void {
    this.#spare.length = 0;
    const { event } = this.#options;
    // Nothing was read since the last rest: the builder is as new.
    if (this.open || event.bytes.length === 0) return;
    this.#builder = this.#newBuilder();
    event.release();
  }

  #newBuilder(): BatchBuilder {
    return new BatchBuilder(this.#maxBytes + ROOM);
  }

  /** No further than the batch has room for: what is scanned beyond that is scanned again. */
  #lookAhead(bytes: Buffer, start: number, end: number): void {
    const room = Math.max(this.#maxBytes - this.#builder.length, MIN_AHEAD_BYTES);
    this.#options.event.lookAhead(bytes, start, end, room);
  }

  /** Index behind the last byte of the line at `start`, but for its newline. `looks` further ahead where that is called for. */
  #lineEnd(bytes: Buffer, start: number, end: number, looks: boolean): number {
    const { event } = this.#options;
    const known = event.lineEnd(start);
    if (known !== -1) return known;
    if (looks) {
      this.#lookAhead(bytes, start, end);
      return this.#lineEnd(bytes, start, end, false);
    }
    const newline = bytes.indexOf(NEWLINE, start);
    return newline === -1 || newline > end ? end : newline;
  }

  #rememberLast(bytes: Buffer): void {
    if (this.#lastStart === -1) return;
    const { event } = this.#options;
    if (event.read(bytes, this.#lastStart, this.#lastEnd) === null) this.#last = event.reference();
    if (this.#scratch.bytes.length > SCRATCH_BYTES) this.#scratch.bytes = Buffer.alloc(0);
  }

  /** False where the line would make the batch too large: it belongs to the next. */
  #line(bytes: Buffer, lineStart: number, stop: number, length: number, offset: number): boolean {
    let start = lineStart;
    // A file that was truncated under its writer begins with NULs; where reads end must make no difference to them.
    while (start < stop && bytes[start] === 0) start += 1;
    if (start === stop) {
      this.#tally.skippedBytes += length;
      return true;
    }
    const nuls = start - lineStart;
    const malformed = this.#options.event.read(bytes, start, stop);
    if (malformed === null) {
      if (!this.#take(bytes, start, stop, length - nuls, offset + nuls, false)) return false;
      this.#tally.skippedBytes += nuls;
      return true;
    }
    this.#tally.skippedBytes += nuls;
    this.#salvage(bytes, start, stop, length - nuls, offset + nuls, malformed);
    return true;
  }

  #salvage(bytes: Buffer, start: number, stop: number, length: number, offset: number, malformed: Malformed): void {
    const pieces = this.#options.salvage(bytes, start, stop, length > stop - start);
    for (const [at, piece] of pieces.entries()) {
      // The end of the line goes to its last piece, so that the account comes out even.
      const size = piece.end - piece.start + (at === pieces.length - 1 ? length - (stop - start) : 0);
      const where = offset + piece.start - start;
      if (piece.kind === 'event' && this.#options.event.read(bytes, piece.start, piece.end) === null) {
        this.#take(bytes, piece.start, piece.end, size, where, true);
        continue;
      }
      this.#tally.readEvents += 1;
      this.#tally.readBytes += size;
      const reason = pieces.length > 1 ? 'torn' : malformed;
      this.#refuse(reason, MALFORMED_WORDS[malformed], where, bytes, piece.start, piece.end, size);
    }
  }

  /** `whole` for a part of a line: all of a line goes into one batch. */
  #take(bytes: Buffer, start: number, stop: number, length: number, offset: number, whole: boolean): boolean {
    const { event } = this.#options;
    const filter = this.#filter;
    const rawStart = event.start;
    const rawEnd = event.end;
    const decisions = this.#decisions;
    if (this.#carried !== null) {
      if (this.#carried.offset === offset) decisions.sayFirst(this.#carried.answer);
      this.#carried = null;
    }
    const asked = decisions.length;
    const failures = filter.failures();
    const verdict = filter.judge(event, decisions);
    if (verdict.type !== 'drop') {
      const timeMs = this.#firstMs === 0 ? Number(event.timeNs() / 1_000_000n) : this.#firstMs;
      const malformed = verdict.type === 'edit' ? this.#edit(bytes, rawStart, rawEnd, verdict.splices) : null;
      if (malformed !== null)
        this.#refuse(
          malformed,
          'what the filter left of it is no event',
          offset,
          event.bytes,
          event.start,
          event.end,
          length,
        );
      else if (!this.#encode({ bytes, start: rawStart, end: rawEnd }, length, offset, whole)) {
        if (decisions.length > asked) this.#carried = { offset, answer: decisions.takeBack() };
        return false;
      }
      if (verdict.type === 'edit') this.#tally.edit(verdict.splices);
      this.#firstMs = timeMs;
    } else this.#tally.filter(filter.rules[verdict.rule] as string, length);
    this.#tally.failedConditions += filter.failures() - failures;
    this.#tally.readEvents += 1;
    this.#tally.readBytes += length;
    this.#lastStart = start;
    this.#lastEnd = stop;
    return true;
  }

  /** From here on the event is what the edits leave of it; the raw line stays what ids are made of. */
  #edit(bytes: Buffer, start: number, end: number, splices: readonly Splice[]): Malformed | null {
    const length = applySplices(bytes, start, end, splices, this.#scratch);
    return this.#options.event.readEdited(this.#scratch.bytes, length, splices);
  }

  /** False where the item would make the batch too large. */
  #encode(raw: { bytes: Buffer; start: number; end: number }, length: number, offset: number, whole: boolean): boolean {
    const { event, output } = this.#options;
    const builder = this.#builder;
    const itemStart = builder.length;
    const startsAnew = builder.count > 0 && !whole;
    // Not even tried: the batch that is being closed would grow by what is only taken out of it again.
    if (startsAnew && itemStart + event.end - event.start > this.#maxBytes) return false;
    const answer = output.encode(event, raw, builder);
    if (answer !== null && 'reason' in answer) {
      builder.undo(itemStart);
      this.#refuse(answer.reason, answer.words, offset, event.bytes, event.start, event.end, length);
      return true;
    }
    if (startsAnew && builder.length > this.#maxBytes) {
      builder.undo(itemStart);
      return false;
    }
    if (answer !== null) {
      const words = `delivered without ${answer.reduced}`;
      this.#keep('reduced', words, offset, event.bytes, event.start, event.end, false);
    }
    builder.add(itemStart, offset, length);
    return true;
  }

  #refuse(
    reason: string,
    words: string,
    offset: number,
    bytes: Buffer,
    start: number,
    end: number,
    length: number,
  ): void {
    this.#tally.deadLetter(reason, length);
    this.#keep(reason, words, offset, bytes, start, end, true);
  }

  #keep(
    reason: string,
    words: string,
    offset: number,
    bytes: Buffer,
    start: number,
    end: number,
    counts: boolean,
  ): void {
    this.#setAside.push({ reason, words, offset, bytes: Buffer.from(bytes.subarray(start, end)), counts });
  }
}
