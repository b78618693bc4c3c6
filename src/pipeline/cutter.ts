import { hash } from 'node:crypto';
import type { Event, Malformed } from '../event/event.ts';
import type { Filter } from '../filter/filter.ts';
import type { EventReference } from '../log/loss.ts';
import type { Output } from '../output/output.ts';
import { BatchBuilder, type Batch, type Range } from './batch.ts';
import { Tally } from './tally.ts';

/** What the cutter needs of the event stage. */
export interface EventReader extends Event {
  /** Null where the bytes are an event, else why they are none. */
  read(bytes: Buffer, start: number, end: number): Malformed | null;
  /** Takes over the bytes that result from splices of the event that it has read. */
  reference(): EventReference;
}

/** Parts of a malformed line: torn bytes, and whole events that were glued behind them. */
export type Salvage = (bytes: Buffer, start: number, end: number, ended: boolean) => readonly { start: number; end: number; kind: 'event' | 'torn' }[];

/** Something that is set aside before anything is sent. */
export interface SetAside {
  readonly reason: string;
  readonly words: string;
  readonly offset: number;
  readonly bytes: Buffer;
  /** False for a copy of an event that is delivered in a reduced form all the same. */
  readonly counts: boolean;
}

/** A batch with its account. */
export interface Sealed {
  readonly batch: Batch;
  readonly range: Range;
  readonly tally: Tally;
  readonly setAside: readonly SetAside[];
  /** Bytes of the line that each item came from, for the account of what is delivered. */
  readonly lineBytes: Float64Array;
  /** Where the batch's bytes are: given back with `recycle` when it is settled. */
  readonly builder: BatchBuilder;
}

export interface CutLimits {
  readonly maxBytes: number;
  readonly maxEvents: number;
}

const NEWLINE = 10;
/** For the event that shows that the batch is full. */
const ROOM = 64 * 1024;
/** A long stretch of which nothing is let through moves the cursor too. */
const MAX_SCANNED_BYTES = 8 * 1024 * 1024;

/** Cuts the lines of one segment after the other into batches: reads each event, asks the filter, lets the output encode it. */
export class Cutter {
  readonly #source: string;
  readonly #event: EventReader;
  readonly #filter: Filter;
  readonly #output: Output;
  readonly #salvage: Salvage;
  readonly #limits: CutLimits;
  #builder: BatchBuilder;
  readonly #spare: BatchBuilder[] = [];
  #tally = new Tally();
  #setAside: SetAside[] = [];
  #lineBytes = new Float64Array(256);
  #from = 0;
  #to = 0;
  #last: EventReference | null = null;
  #startedAt = 0;

  constructor(options: {
    readonly source: string;
    readonly event: EventReader;
    readonly filter: Filter;
    readonly output: Output;
    readonly salvage: Salvage;
    readonly limits: CutLimits;
  }) {
    this.#source = options.source;
    this.#event = options.event;
    this.#filter = options.filter;
    this.#output = options.output;
    this.#salvage = options.salvage;
    this.#limits = { ...options.limits, maxBytes: Math.min(options.limits.maxBytes, options.output.maxBatchBytes) };
    this.#builder = new BatchBuilder(this.#limits.maxBytes + ROOM);
  }

  /** Whether there is a range that has not been sealed. */
  get open(): boolean {
    return this.#to > this.#from;
  }

  /** Bytes of the log in it. */
  get openBytes(): number {
    return this.#to - this.#from;
  }

  /** Bytes of memory held. */
  get capacity(): number {
    return this.#builder.capacity;
  }

  /** When the first byte of the open range was cut, ms since the epoch. */
  get startedAt(): number {
    return this.#startedAt;
  }

  get to(): number {
    return this.#to;
  }

  /** The last event that was read, whatever became of it. */
  get last(): EventReference | null {
    return this.#last;
  }

  /** Begins a range. The one before must have been sealed. */
  begin(offset: number): void {
    this.#from = offset;
    this.#to = offset;
  }

  /**
   * Cuts lines from `start` on; gives the index in `bytes` up to which it came: less than `end` where the batch is full
   * and has to be sealed first. `offset` is the offset in the segment of the byte at `start`; `until` one that no batch
   * may go beyond (a range that is cut again as it was).
   */
  cut(bytes: Buffer, start: number, end: number, offset: number, until = Number.POSITIVE_INFINITY): number {
    if (!this.open) this.#startedAt = Date.now();
    const base = offset - start;
    let at = start;
    while (at < end && base + at < until) {
      const newline = bytes.indexOf(NEWLINE, at);
      const stop = newline === -1 || newline >= end ? end : newline;
      const next = Math.min(end, stop + 1);
      if (!this.#line(bytes, at, stop, next - at, base + at)) break;
      at = next;
      this.#to = base + at;
      if (this.full) break;
    }
    if (at > start && this.#event.end > 0) this.#last = this.#event.reference();
    return at;
  }

  get full(): boolean {
    return (
      this.#builder.count >= this.#limits.maxEvents ||
      this.#builder.length >= this.#limits.maxBytes ||
      this.#to - this.#from >= MAX_SCANNED_BYTES
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
    const range: Range = { segment, from: this.#from, to: this.#to };
    const key = hash('sha256', `${this.#source}\n${segment}\n${range.from}\n${range.to}`, 'hex').slice(0, 32);
    const sealed = {
      batch: this.#builder.seal(key, this.#source, range),
      range,
      tally: this.#tally,
      setAside: this.#setAside,
      lineBytes: this.#lineBytes,
      builder: this.#builder,
    };
    this.#builder = this.#spare.pop() ?? new BatchBuilder(this.#limits.maxBytes + ROOM);
    this.#lineBytes = new Float64Array(256);
    this.#tally = new Tally();
    this.#setAside = [];
    this.#from = this.#to;
    return sealed;
  }

  /** Takes back the memory of a batch that is settled: a new megabyte for each costs more than filling it. */
  recycle({ builder }: Sealed): void {
    builder.reset();
    this.#spare.push(builder);
  }

  /** False where the line would make the batch too large: it belongs to the next. */
  #line(bytes: Buffer, start: number, stop: number, length: number, offset: number): boolean {
    if (stop === start) {
      this.#tally.skippedBytes += length;
      return true;
    }
    const malformed = this.#event.read(bytes, start, stop);
    if (malformed === null) return this.#take(bytes, start, stop, length, offset);
    const pieces = this.#salvage(bytes, start, stop, length > stop - start);
    for (const [at, piece] of pieces.entries()) {
      // The end of the line goes to its last piece, so that the account comes out even.
      const size = piece.end - piece.start + (at === pieces.length - 1 ? length - (stop - start) : 0);
      const where = offset + piece.start - start;
      if (piece.kind === 'event' && this.#event.read(bytes, piece.start, piece.end) === null) {
        this.#take(bytes, piece.start, piece.end, size, where, true);
      } else this.#refuse(pieces.length > 1 ? 'torn' : malformed, MALFORMED_WORDS[malformed], where, bytes, piece, size);
    }
    return true;
  }

  #refuse(reason: string, words: string, offset: number, bytes: Buffer, piece: { start: number; end: number }, size: number): void {
    this.#tally.readEvents += 1;
    this.#tally.readBytes += size;
    this.#tally.deadLetter(reason, size);
    this.#keep(reason, words, offset, bytes, piece.start, piece.end, true);
  }

  #take(bytes: Buffer, start: number, stop: number, length: number, offset: number, whole = false): boolean {
    const event = this.#event;
    const verdict = this.#filter.judge(event);
    const itemStart = this.#builder.length;
    if (verdict.type === 'pass') {
      const answer = this.#output.encode(event, { bytes, start: event.start, end: event.end }, this.#builder);
      if (answer !== null && 'reason' in answer) {
        this.#builder.undo(itemStart);
        this.#tally.deadLetter(answer.reason, length);
        this.#keep(answer.reason, answer.words, offset, bytes, start, stop, true);
      } else if (this.#builder.length > this.#limits.maxBytes && this.#builder.count > 0 && !whole) {
        this.#builder.undo(itemStart);
        return false;
      } else {
        if (answer !== null) this.#keep(`reduced`, `delivered without ${answer.reduced}`, offset, bytes, start, stop, false);
        this.#note(length);
        this.#builder.add(itemStart, offset);
      }
    } else if (verdict.type === 'drop') this.#tally.filter(this.#filter.rules[verdict.rule] as string, length);
    this.#tally.readEvents += 1;
    this.#tally.readBytes += length;
    return true;
  }

  #keep(reason: string, words: string, offset: number, bytes: Buffer, start: number, end: number, counts: boolean): void {
    this.#setAside.push({ reason, words, offset, bytes: Buffer.from(bytes.subarray(start, end)), counts });
  }

  #note(length: number): void {
    const { count } = this.#builder;
    if (count === this.#lineBytes.length) {
      const grown = new Float64Array(count * 2);
      grown.set(this.#lineBytes);
      this.#lineBytes = grown;
    }
    this.#lineBytes[count] = length;
  }
}

const MALFORMED_WORDS: Readonly<Record<Malformed, string>> = {
  'not-json': 'the line is not valid JSON',
  'not-an-object': 'the line is not a JSON object',
  'no-timestamp': 'the object has neither stageTimestamp nor requestReceivedTimestamp, so it is no audit event',
};
