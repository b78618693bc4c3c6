import { CorruptGzip } from './content.ts';
import { isMissing } from './files.ts';
import { MARK_BYTES, markOf } from './identity.ts';
import type { Log } from './log.ts';
import type { Loss } from './loss.ts';
import type { Lease, Segment } from './segment.ts';

/** Where a reader stands in a segment, and by which marks it will know the place again. */
export interface Place {
  offset: number;
  done: boolean;
  marks: readonly { readonly offset: number; readonly hash: string }[];
}

/** What a cursor gives out, in the order of the log. Bytes are valid until the next call. */
export type Piece =
  /** Complete lines; `torn` is a last line without its end, in a file that will not grow any more. */
  | { readonly kind: 'lines' | 'torn'; readonly segment: Segment; readonly bytes: Buffer; readonly start: number; readonly end: number; readonly offset: number }
  /** A line too long to be held, to be dealt with straight from disk. */
  | { readonly kind: 'oversize'; readonly segment: Segment; readonly offset: number; readonly end: number }
  /** NUL bytes where a line should begin: a hole that an outside truncation left. */
  | { readonly kind: 'nul'; readonly segment: Segment; readonly offset: number; readonly end: number }
  /** The segment has been given out to its end. */
  | { readonly kind: 'end'; readonly segment: Segment; readonly length: number }
  /** The bytes before the offset are no longer those that were read: reading goes on further back. */
  | { readonly kind: 'rewound'; readonly segment: Segment; readonly from: number; readonly to: number }
  | { readonly kind: 'loss'; readonly segment: Segment | null; readonly loss: Loss }
  /** A join of two segments of which the timestamps prove nothing. */
  | { readonly kind: 'unproven'; readonly segment: Segment; readonly words: string };

const READ_BYTES = 1024 * 1024;
const NEWLINE = 10;

export interface CursorOptions {
  readonly maxLineBytes: number;
  /** Judges the join when a segment is entered; gives what is to be said before its first line. */
  enter(segment: Segment): Piece[];
}

/** One reader's way through the log: always the oldest segment that has bytes it has not given out yet. */
export class Cursor {
  readonly #log: Log;
  readonly #places: Map<string, Place>;
  readonly #options: CursorOptions;
  readonly #queue: Piece[] = [];
  readonly #entered = new Set<string>();
  readonly #gone = new Set<string>();
  /** Where the last line of a file began that had no end: should the file grow after all, the line is read again. */
  readonly #torn = new Map<string, number>();
  #missed = 0;
  #segment: Segment | null = null;
  #lease: Lease | null = null;
  #buffer = Buffer.allocUnsafeSlow(READ_BYTES + MARK_BYTES);
  /** Index in the buffer of the first byte not given out, and of the first one that is free. */
  #start = 0;
  #filled = 0;
  /** Offset in the segment of the byte at `#start`. */
  #offset = 0;
  #atEnd = false;

  /** `places`: where the reader stood in an earlier run, by segment. */
  constructor(log: Log, places: Map<string, Place>, options: CursorOptions) {
    this.#log = log;
    this.#places = places;
    this.#options = options;
  }

  /** The segment that is being read, and how far: for people. */
  get position(): { readonly segment: Segment; readonly offset: number } | null {
    return this.#segment === null ? null : { segment: this.#segment, offset: this.#offset };
  }

  /** Bytes of memory that the cursor holds. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  /** Bytes of the log, as far as sizes are known, that have not been given out. */
  unreadBytes(): number {
    let sum = 0;
    for (const segment of this.#log.segments) {
      if (segment.gone !== null) continue;
      const place = this.#places.get(segment.id);
      const read = segment === this.#segment ? this.#offset : (place?.offset ?? 0);
      if (segment.size > 0) sum += Math.max(0, segment.size - read);
    }
    return sum;
  }

  /** Whether there is anything that has not been given out, as far as can be known without reading. */
  hasMore(): boolean {
    if (this.#queue.length > 0 || this.#missed < this.#log.missed.length) return true;
    return this.#log.segments.some((segment) => {
      if (segment === this.#log.live) return segment !== this.#segment && (this.#places.get(segment.id)?.offset ?? 0) < segment.size;
      return this.#unread(segment) && !(segment.gone !== null && this.#gone.has(segment.id));
    });
  }

  /** What comes next, or `null` where there is nothing more now. */
  async next(): Promise<Piece | null> {
    while (true) {
      const queued = this.#queue.shift();
      if (queued !== undefined) return queued;
      this.#reportMissed();
      if (this.#queue.length > 0) continue;
      if (this.#segment === null && !(await this.#enterNext())) return null;
      if (this.#queue.length > 0) continue;
      const piece = await this.#read();
      if (piece !== 'again') return piece;
    }
  }

  /** Gives up the descriptor and a large buffer; the next call goes on where this one stood. */
  async pause(): Promise<void> {
    await this.#leave();
  }

  /** The mark at a place in a piece that has just been given out. */
  markAt(bytes: Buffer, index: number, offset: number): { offset: number; hash: string } {
    return { offset, hash: markOf(bytes.subarray(index - Math.min(MARK_BYTES, offset), index)) };
  }

  /** Goes back (or on) to an offset, to cut a range again as it had been cut. */
  async seek(segment: Segment, offset: number): Promise<void> {
    await this.#leave();
    const place = this.#places.get(segment.id);
    this.#places.set(segment.id, { offset, done: false, marks: place?.marks ?? [] });
    this.#entered.add(segment.id);
    await this.#enter(segment);
  }

  // ---- which segment

  #reportMissed(): void {
    const missed = this.#log.missed;
    for (; this.#missed < missed.length; this.#missed += 1) {
      const { name } = missed[this.#missed] as (typeof missed)[number];
      const words = `${name} was there and gone before it could be opened`;
      this.#queue.push({ kind: 'loss', segment: null, loss: { reason: 'deleted', proof: 'certain', name, words } });
    }
  }

  #unread(segment: Segment): boolean {
    const place = this.#places.get(segment.id);
    if (place === undefined || !place.done) return true;
    return segment.size > place.offset;
  }

  async #enterNext(): Promise<boolean> {
    for (const segment of this.#log.segments) {
      if (!this.#unread(segment)) continue;
      if (segment.gone !== null) {
        if (!this.#gone.has(segment.id)) this.#lose(segment);
        if (this.#queue.length > 0) return true;
        continue;
      }
      if (segment === this.#log.live && (this.#places.get(segment.id)?.offset ?? 0) >= segment.size) continue;
      if (await this.#enter(segment)) return true;
    }
    return false;
  }

  /** The segment's bytes are not to be had any more: what had not been given out is lost. */
  #lose(segment: Segment): void {
    this.#gone.add(segment.id);
    const from = segment === this.#segment ? this.#offset : (this.#places.get(segment.id)?.offset ?? 0);
    const reason = segment.gone ?? 'deleted';
    const to = segment.size > from ? { to: segment.size } : {};
    this.#places.set(segment.id, { offset: Math.max(from, segment.size), done: true, marks: [] });
    this.#queue.push({
      kind: 'loss',
      segment,
      loss: { reason, proof: 'certain', segment: segment.id, name: segment.name, from, ...to, words: LOSS_WORDS[reason] ?? reason },
    });
    this.#queue.push({ kind: 'end', segment, length: Math.max(from, segment.size) });
  }

  async #enter(segment: Segment): Promise<boolean> {
    try {
      this.#lease = await segment.lease();
    } catch (error) {
      if (!isMissing(error)) throw error;
      // It has been renamed or deleted since; the log finds out which at its next look.
      return false;
    }
    const place = this.#places.get(segment.id) ?? { offset: 0, done: false, marks: [] };
    this.#places.set(segment.id, place);
    this.#segment = segment;
    if (!this.#entered.has(segment.id)) {
      this.#entered.add(segment.id);
      if (place.offset === 0) this.#queue.push(...this.#options.enter(segment));
    }
    const torn = this.#torn.get(segment.id);
    this.#torn.delete(segment.id);
    await this.#standAt(torn ?? place.offset);
    return true;
  }

  /**
   * Takes its stand at an offset, with the bytes before it as history. Where those are not the bytes that were read
   * (`distrusted`, or the mark there does not hold), it goes back to the newest older mark that does.
   */
  async #standAt(offset: number, distrusted = false): Promise<void> {
    const segment = this.#segment as Segment;
    const place = this.#places.get(segment.id) as Place;
    const exact = place.marks.find((mark) => mark.offset === offset);
    let stand = offset;
    let history = distrusted ? null : await this.#history(offset);
    if (history === null || (exact !== undefined && markOf(history) !== exact.hash)) {
      stand = 0;
      history = Buffer.alloc(0);
      for (const mark of place.marks.toReversed()) {
        if (mark.offset >= offset) continue;
        const before = await this.#history(mark.offset);
        if (before === null || markOf(before) !== mark.hash) continue;
        stand = mark.offset;
        history = before;
        break;
      }
      place.marks = place.marks.filter((mark) => mark.offset <= stand);
    }
    history.copy(this.#buffer, 0);
    this.#start = history.length;
    this.#filled = history.length;
    this.#offset = stand;
    place.offset = stand;
    place.done = false;
    this.#atEnd = false;
    if (stand !== offset) this.#queue.push({ kind: 'rewound', segment, from: offset, to: stand });
  }

  /** The bytes right before an offset; `null` where the file does not reach so far. */
  async #history(offset: number): Promise<Buffer | null> {
    const length = Math.min(MARK_BYTES, offset);
    const bytes = Buffer.alloc(length);
    for (let filled = 0; filled < length; ) {
      const count = await this.#readContent(offset - length + filled, bytes, filled, length - filled);
      if (count === 0) return null;
      filled += count;
    }
    return bytes;
  }

  // ---- reading on

  async #read(): Promise<Piece | 'again' | null> {
    const segment = this.#segment as Segment;
    if (segment.gone !== null) {
      await this.#leave();
      this.#lose(segment);
      return 'again';
    }
    if (this.#atEnd && !(await this.#historyHolds(segment))) return 'again';
    this.#makeRoom();
    const room = this.#buffer.length - this.#filled;
    let count: number;
    try {
      count = await this.#readContent(this.#offset + this.#filled - this.#start, this.#buffer, this.#filled, room);
    } catch (error) {
      if (error instanceof CorruptGzip) return this.#corrupt(segment, error);
      throw error;
    }
    if (count === 0) return this.#reachedEnd(segment);
    this.#atEnd = false;
    const scanFrom = this.#filled;
    this.#filled += count;
    return this.#giveOut(segment, scanFrom);
  }

  async #giveOut(segment: Segment, scanFrom: number): Promise<Piece | 'again'> {
    const nuls = this.#leadingNuls();
    if (nuls > 0) {
      const offset = this.#offset;
      this.#advance(nuls);
      return { kind: 'nul', segment, offset, end: offset + nuls };
    }
    const newline = this.#buffer.lastIndexOf(NEWLINE, this.#filled - 1);
    if (newline < Math.max(scanFrom, this.#start)) {
      return this.#filled - this.#start >= this.#options.maxLineBytes ? this.#skipOversize(segment) : 'again';
    }
    const offset = this.#offset;
    const start = this.#start;
    this.#advance(newline + 1 - start);
    return { kind: 'lines', segment, bytes: this.#buffer, start, end: newline + 1, offset };
  }

  /** Nothing more to read at this moment: is the segment at its end, or only its writer behind? */
  async #reachedEnd(segment: Segment): Promise<Piece | 'again' | null> {
    this.#atEnd = true;
    const lease = this.#lease as Lease;
    if (!lease.compressed) {
      const closed = segment.closed;
      const { size } = await lease.facts();
      if (size > this.#offset + this.#filled - this.#start) return 'again';
      if (!closed) return this.#olderIsUnread(segment) ? this.#interrupt() : null;
    }
    const length = this.#offset + this.#filled - this.#start;
    if (segment.size < length) segment.size = length;
    if (this.#filled > this.#start) {
      const offset = this.#offset;
      const start = this.#start;
      this.#torn.set(segment.id, offset);
      this.#advance(this.#filled - start);
      return { kind: 'torn', segment, bytes: this.#buffer, start, end: this.#filled, offset };
    }
    return this.#finish(segment, length);
  }

  async #finish(segment: Segment, length: number): Promise<Piece> {
    const place = this.#places.get(segment.id) as Place;
    place.done = true;
    place.offset = length;
    await this.#leave();
    return { kind: 'end', segment, length };
  }

  #olderIsUnread(live: Segment): boolean {
    for (const segment of this.#log.segments) {
      if (segment === live) return false;
      if (this.#unread(segment) && segment.gone === null && segment.reachable) return true;
    }
    return false;
  }

  async #interrupt(): Promise<'again'> {
    await this.#leave();
    return 'again';
  }

  /** A compressed file that ends before its end: wait while it grows; then what could be read is all there is. */
  async #corrupt(segment: Segment, error: CorruptGzip): Promise<Piece | 'again' | null> {
    const offset = this.#offset;
    if (segment.places.plain !== null || segment.places.pin !== null) {
      await this.#leave();
      return 'again';
    }
    if (!this.#log.gzipStable(segment)) {
      await this.#leave();
      return null;
    }
    const end = offset + this.#filled - this.#start;
    if (this.#filled > this.#start) {
      const start = this.#start;
      this.#advance(this.#filled - start);
      this.#queue.push({ kind: 'torn', segment, bytes: this.#buffer, start, end: this.#filled, offset });
    }
    const words = `${segment.name} is cut off or damaged: ${error.message}`;
    this.#queue.push({
      kind: 'loss',
      segment,
      loss: { reason: 'corrupt', proof: 'certain', segment: segment.id, name: segment.name, from: end, words },
    });
    if (segment.size < end) segment.size = end;
    this.#queue.push(await this.#finish(segment, end));
    return 'again';
  }

  /** Reads on to the end of a line that is too long, keeping nothing of it. */
  async #skipOversize(segment: Segment): Promise<Piece | 'again'> {
    const begin = this.#offset;
    let position = begin + this.#filled - this.#start;
    const step = Buffer.allocUnsafe(READ_BYTES);
    while (true) {
      const count = await this.#readContent(position, step, 0, step.length);
      if (count === 0 && !(await this.#isFinal(segment, position))) {
        await this.#log.pulse.wait(200, NEVER);
        continue;
      }
      const newline = step.subarray(0, count).indexOf(NEWLINE);
      position += newline === -1 ? count : newline + 1;
      if (newline !== -1 || count === 0) break;
    }
    const place = this.#places.get(segment.id) as Place;
    place.offset = position;
    await this.#standAt(position);
    return { kind: 'oversize', segment, offset: begin, end: position };
  }

  async #isFinal(segment: Segment, position: number): Promise<boolean> {
    const lease = this.#lease as Lease;
    return segment.gone !== null || lease.compressed || (segment.closed && (await lease.facts()).size <= position);
  }

  /** Whether the bytes before the place are still those that were read: a truncation shows here, whatever the size. */
  async #historyHolds(segment: Segment): Promise<boolean> {
    const lease = this.#lease as Lease;
    if (lease.compressed) return true;
    const held = this.#filled - this.#start + Math.min(MARK_BYTES, this.#offset);
    const length = Math.min(MARK_BYTES, held, this.#filled);
    const position = this.#offset + this.#filled - this.#start;
    const now = await this.#history(position);
    if (now?.subarray(now.length - length).equals(this.#buffer.subarray(this.#filled - length, this.#filled)) === true) {
      return true;
    }
    await this.#log.contentChanged(segment);
    if (segment.gone === null) await this.#standAt(this.#offset, true);
    return false;
  }

  #leadingNuls(): number {
    let at = this.#start;
    while (at < this.#filled && this.#buffer[at] === 0) at += 1;
    return at - this.#start;
  }

  #advance(count: number): void {
    this.#start += count;
    this.#offset += count;
    const place = this.#places.get((this.#segment as Segment).id) as Place;
    place.offset = this.#offset;
  }

  /** Moves what is left over, and the history before it, to the front; grows for a long line, and shrinks after it. */
  #makeRoom(): void {
    const usual = READ_BYTES + MARK_BYTES;
    const keepFrom = Math.max(0, this.#start - MARK_BYTES);
    const kept = this.#filled - keepFrom;
    const line = this.#filled - this.#start;
    const needed = line + READ_BYTES / 2 > READ_BYTES ? line * 2 + MARK_BYTES : usual;
    if (needed > this.#buffer.length || (this.#buffer.length > usual && needed === usual)) {
      const resized = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, usual), this.#options.maxLineBytes + usual));
      this.#buffer.copy(resized, 0, keepFrom, this.#filled);
      this.#buffer = resized;
    } else if (keepFrom > 0) this.#buffer.copyWithin(0, keepFrom, this.#filled);
    this.#start -= keepFrom;
    this.#filled = kept;
  }

  #readContent(offset: number, into: Buffer, at: number, length: number): Promise<number> {
    return (this.#lease as Lease).content.read(offset, into, at, length);
  }

  async #leave(): Promise<void> {
    const lease = this.#lease;
    this.#lease = null;
    this.#segment = null;
    this.#start = 0;
    this.#filled = 0;
    this.#atEnd = false;
    await lease?.release();
  }
}

const NEVER = new AbortController().signal;

const LOSS_WORDS: Readonly<Record<string, string>> = {
  deleted: 'the file was deleted before it had been read to its end',
  retention: 'the file was let go, because what is kept for slow outputs had reached its bound',
  'spool-full': 'the spool was full, and its oldest file was let go',
  truncated: 'the file was truncated or overwritten before it had been read to its end',
};
