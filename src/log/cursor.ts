import { CorruptGzip } from './content.ts';
import { isMissing } from './files.ts';
import { MARK_BYTES, markOf } from './identity.ts';
import type { Log } from './log.ts';
import { LiveFirst } from './live-first.ts';
import type { Loss } from './loss.ts';
import { MissedReport } from './missed-report.ts';
import type { Piece } from './piece.ts';
import { READ_BYTES, ReadBuffer } from './read-buffer.ts';
import type { Lease, Segment } from './segment.ts';

export type { Piece } from './piece.ts';

/** The hash of the bytes before an offset. */
export interface PlaceMark {
  readonly offset: number;
  readonly hash: string;
}

/** Where a reader stands in a segment, and by which marks it will know the place again. */
export interface Place {
  offset: number;
  done: boolean;
  marks: readonly PlaceMark[];
}

const NEWLINE = 10;

export interface CursorOptions {
  readonly maxLineBytes: number;
  /** Judges the join when a segment is entered; gives what is to be said before its first line. */
  enter(segment: Segment): Piece[];
  /** The last known name of a segment that an earlier run had met. */
  nameOf?(segment: string): string | undefined;
  /** Whether an earlier run has read something of a backup of this name: then it is not new to this reader. */
  known?(name: string): boolean;
  /** Where it is set, newer files come first: whether older ones may wait now, and how long these are stayed with at least, ms. */
  readonly liveFirst?: { mayWait(): boolean; readonly stayMs: number };
  /** Asked before memory is taken for a line that needs more than `largeBytes`; resolves when it may be. */
  readonly large?: { readonly largeBytes: number; room(): Promise<void> };
}

/** One reader's way through the log: the oldest segment that has bytes it has not given out yet, or what `LiveFirst` says. */
export class Cursor {
  readonly #log: Log;
  readonly #places: Map<string, Place>;
  readonly #options: CursorOptions;
  readonly #queue: Piece[] = [];
  readonly #entered = new WeakSet<Segment>();
  readonly #searchedBefore = new WeakSet<Segment>();
  readonly #gone = new WeakSet<Segment>();
  readonly #waits = new WeakSet<Segment>();
  /** Where the last line of a file began that had no end: should the file grow after all, the line is read again. */
  readonly #torn = new WeakMap<Segment, number>();
  /** Where a live file ended when it was last read to its end: behind its last whole line. */
  readonly #lookedUpTo = new WeakMap<Segment, number>();
  /** The place where a segment was left, which no checkpoint knows: by it the place is known again. */
  readonly #left = new WeakMap<Segment, PlaceMark>();
  /** Segments that an earlier run had met. */
  readonly #known: ReadonlySet<string>;
  /** Those of them that it had not read to their end. */
  readonly #earlier: string[];
  readonly #buffer: ReadBuffer;
  readonly #missed: MissedReport;
  readonly #liveFirst: LiveFirst | null;
  #reported = 0;
  /** After so many changes of the log, nothing was left to read in the segments up to an index. */
  #searched = { changes: -1, upTo: 0 };
  #segment: Segment | null = null;
  #lease: Lease | null = null;
  /** Offset in the segment of the first byte not given out. */
  #offset = 0;
  /** When the segment was entered, monotonic, ms; and whether something of it has been given out since. */
  #enteredAt = 0;
  #gaveOut = false;
  /** Whether the last read of a plain file gave less than was asked for: then its size tells whether there is more. */
  #drained = false;
  /** Offset up to which a line that is too long has been passed over; `null` where no such line is being read. */
  #skipped: number | null = null;

  /** `places`: where the reader stood in an earlier run, by segment. */
  constructor(log: Log, places: Map<string, Place>, options: CursorOptions) {
    this.#log = log;
    this.#places = places;
    this.#options = options;
    this.#buffer = new ReadBuffer(options.maxLineBytes);
    this.#missed = new MissedReport(log, (name) => options.known?.(name) === true);
    this.#known = new Set(places.keys());
    this.#earlier = [...places].filter(([, { done }]) => !done).map(([id]) => id);
    const { liveFirst } = options;
    const isUnread = (segment: Segment) => this.#hasUnread(segment);
    this.#liveFirst = liveFirst === undefined ? null : new LiveFirst({ log, isUnread, mayWait: liveFirst.mayWait });
  }

  /** The segment that is being read, and how far: for people. */
  get position(): { readonly segment: Segment; readonly offset: number } | null {
    return this.#segment === null ? null : { segment: this.#segment, offset: this.#offset };
  }

  /** Bytes of memory that the cursor holds. */
  get heldBytes(): number {
    return this.#buffer.bytes.length;
  }

  /** The oldest segment of those that wait for the one that is being read; null where none does. */
  get waiting(): Segment | null {
    if (this.#liveFirst === null) return null;
    const oldest = this.#log.segments.find((segment) => segment.gone === null && this.#hasUnread(segment)) ?? null;
    return oldest === this.#segment ? null : oldest;
  }

  /** Bytes of the log, as far as sizes are known, that have not been given out. */
  unreadBytes(): number {
    let sum = 0;
    for (const segment of this.#log.segments) {
      if (segment.gone === null) sum += Math.max(0, segment.size - this.#readUpTo(segment));
    }
    return sum;
  }

  /** Bytes of the oldest segment with any that have not been given out. */
  oldestUnreadBytes(): number {
    for (const segment of this.#log.segments) {
      const unread = segment.gone === null ? segment.size - this.#readUpTo(segment) : 0;
      if (unread > 0) return unread;
    }
    return 0;
  }

  /** Whether there is anything that has not been given out, as far as can be known without reading. */
  hasMore(): boolean {
    if (this.#queue.length > 0 || this.#missed.due) return true;
    if (this.#reported < this.#log.reported.length) return true;
    return this.#log.segments.some((segment) => {
      if (segment === this.#log.live)
        return segment !== this.#segment && (this.#places.get(segment.id)?.offset ?? 0) < segment.size;
      return this.#isUnread(segment) && !(segment.gone !== null && this.#gone.has(segment));
    });
  }

  /**
   * What comes next, or `null` where there is nothing more now. Throws what the file system throws; the next call goes
   * on as if nothing had been.
   */
  async next(): Promise<Piece | null> {
    while (true) {
      const queued = this.#queue.shift();
      if (queued !== undefined) return queued;
      this.#reportReported();
      if (this.#earlier.length > 0 && this.#log.searched) this.#reportVanished();
      if (this.#segment !== null) this.#queue.push(...this.#missed.behind(this.#segment));
      if (this.#queue.length > 0) continue;
      if (this.#isOvertaken()) await this.#leave();
      const piece = this.#segment === null && !(await this.#enterNext(null)) ? null : await this.#stepOn();
      if (piece === 'again') continue;
      if (piece !== null) return piece;
      if (this.#queue.length === 0) this.#queue.push(...this.#missed.behind(null));
      if (this.#queue.length === 0) return null;
    }
  }

  /** What is to be said of segments that are gone, and that nobody had come to: for a reader that cannot read on now. */
  takeGone(): Piece[] {
    const queued = this.#queue.length;
    for (const segment of this.#log.segments) {
      if (segment.gone !== null && !this.#gone.has(segment) && !this.#places.has(segment.id)) this.#lose(segment);
    }
    return this.#queue.splice(queued);
  }

  /** Gives up the descriptor and a large buffer; the next call goes on where this one stood. */
  async pause(): Promise<void> {
    await this.#leave();
  }

  /** The mark at a place in a piece that has just been given out. */
  markAt(bytes: Buffer, index: number, offset: number): PlaceMark {
    return { offset, hash: markOf(bytes.subarray(index - Math.min(MARK_BYTES, offset), index)) };
  }

  /** Goes back (or on) to an offset, to cut a range again as it had been cut. */
  async seek(segment: Segment, offset: number): Promise<void> {
    await this.#leave();
    const place = this.#places.get(segment.id);
    this.#places.set(segment.id, { offset, done: false, marks: place?.marks ?? [] });
    this.#entered.add(segment);
    this.#torn.delete(segment);
    await this.#enter(segment);
  }

  // ---- which segment

  #readUpTo(segment: Segment): number {
    return segment === this.#segment ? this.#offset : (this.#places.get(segment.id)?.offset ?? 0);
  }

  #reportReported(): void {
    const { reported } = this.#log;
    for (const loss of reported.slice(this.#reported)) this.#queue.push({ kind: 'loss', segment: null, loss });
    this.#reported = reported.length;
  }

  /** What stood half read in the checkpoint, and is under no name any more. */
  #reportVanished(): void {
    const present = new Set(this.#log.segments.map(({ id }) => id));
    for (const id of this.#earlier.splice(0)) {
      const place = this.#places.get(id);
      if (place === undefined || place.done || present.has(id)) continue;
      place.done = true;
      const segment = this.#log.vanished(id, this.#options.nameOf?.(id) ?? 'a file of an earlier run');
      // How long it was, nobody knows any more; perhaps nothing stood behind this.
      const words = 'the file was deleted while the agent was not running, and its end had not been read';
      const { offset } = place;
      this.#queue.push({
        kind: 'loss',
        segment,
        loss: { reason: 'deleted', proof: 'suspected', segment: id, name: segment.name, from: offset, words },
      });
      this.#queue.push({ kind: 'end', segment, length: offset });
    }
  }

  #isUnread(segment: Segment): boolean {
    const place = this.#places.get(segment.id);
    if (place === undefined || !place.done) return true;
    return segment.size > place.offset;
  }

  /** Whether there is something to read in a segment whose bytes can be had, as far as its size tells. */
  #hasUnread(segment: Segment): boolean {
    if (segment.gone !== null) return false;
    if (segment !== this.#log.live) return this.#isUnread(segment);
    // A line without its end is nothing new, however often it is looked at.
    return Math.max(this.#readUpTo(segment), this.#lookedUpTo.get(segment) ?? 0) < segment.size;
  }

  /**
   * A line that has been begun is read to its end first, and so is a compressed file: a long one would be begun again and
   * again, from its first byte. And who turns after every read makes a request of each.
   */
  #isOvertaken(): boolean {
    const segment = this.#segment;
    const { liveFirst } = this.#options;
    if (segment === null || liveFirst === undefined || performance.now() - this.#enteredAt < liveFirst.stayMs)
      return false;
    if (!this.#gaveOut || this.#skipped !== null || this.#lease?.compressed === true) return false;
    return this.#liveFirst?.isOvertaken(segment) === true;
  }

  /** Enters the segment that is read next; with `before`, only one that is read before that goes on. */
  async #enterNext(before: Segment | null): Promise<boolean> {
    const ahead = this.#liveFirst?.next() ?? null;
    if (ahead !== null && ahead !== before) {
      if (this.#mayBeMissed(ahead)) {
        await this.#log.refresh(true);
        return this.#enterNext(before);
      }
      this.#putOff(ahead);
      if (await this.#enter(ahead)) return true;
      if (this.#queue.length > 0) return false;
    }
    const { changes, segments } = this.#log;
    if (this.#searched.changes !== changes) this.#searched = { changes, upTo: 0 };
    const searched = this.#searched;
    for (let at = searched.upTo; at < segments.length; at += 1) {
      const segment = segments[at] as Segment;
      if (segment === before) return false;
      if (this.#isUnread(segment)) {
        if (segment.gone !== null) {
          if (!this.#gone.has(segment)) this.#lose(segment);
          if (this.#queue.length > 0) return false;
        } else {
          // The live file may also have become shorter than what was read: that is found out when it is entered.
          const read = segment === this.#log.live && this.#places.get(segment.id)?.offset === segment.size;
          if (!read && this.#mayBeMissed(segment)) {
            await this.#log.refresh(true);
            return this.#enterNext(before);
          }
          if (!read && (await this.#enter(segment))) return true;
          if (this.#queue.length > 0) return false;
          if (!read && before !== null) return false;
          continue;
        }
      }
      // All up to here has been read, as long as nothing changes.
      if (searched.upTo === at) searched.upTo = at + 1;
    }
    return false;
  }

  /**
   * Says once of each segment that it waits: should it be gone by the next start, nobody else would know that it was
   * there. Its join is judged now, by what was read before it.
   */
  #putOff(ahead: Segment): void {
    const waiting: Segment[] = [];
    for (const segment of this.#log.segments) {
      if (segment === ahead) break;
      // What was let go before it was put off stands in no checkpoint: it is said before anything newer is read.
      if (segment.gone !== null && !this.#gone.has(segment) && this.#isUnread(segment)) this.#lose(segment);
      if (!this.#hasUnread(segment) || this.#waits.has(segment)) continue;
      this.#waits.add(segment);
      waiting.push(segment);
      if (this.#readUpTo(segment) === 0) this.#queue.push(...this.#firstEntered(segment));
    }
    if (waiting.length > 0) this.#queue.push({ kind: 'put-off', segment: ahead, waiting });
  }

  /** What is to be said before the first line of a segment, once; of what an earlier run put off, it has said so. */
  #firstEntered(segment: Segment): Piece[] {
    if (this.#entered.has(segment)) return [];
    this.#entered.add(segment);
    if (this.#known.has(segment.id)) return [];
    return this.#missed.atJoin(segment, this.#options.enter(segment));
  }

  /**
   * Whether events seem to be missing before a segment that no look at the directory has shown yet: the file that has
   * them may be there, and only the directory has not been looked at since. True once for each.
   */
  #mayBeMissed(segment: Segment): boolean {
    if (segment.instantMs !== null || this.#searchedBefore.has(segment) || this.#entered.has(segment)) return false;
    if (this.#readUpTo(segment) > 0 || !this.#options.enter(segment).some(({ kind }) => kind === 'loss')) return false;
    this.#searchedBefore.add(segment);
    return true;
  }

  /** The segment's bytes are not to be had any more: what had not been given out is lost. */
  #lose(segment: Segment): void {
    this.#gone.add(segment);
    const from = this.#readUpTo(segment);
    const reason = segment.gone ?? 'deleted';
    const length = Math.max(from, segment.size);
    const marks = this.#places.get(segment.id)?.marks ?? [];
    this.#places.set(segment.id, { offset: length, done: true, marks });
    const known = segment.size > from;
    // A file that had been read to the end it had when it was closed has lost nothing. Where it was truncated, nobody
    // can know what was written between the last look and that.
    if (known || segment.size === 0 || reason === 'truncated') {
      const proof = known || segment.size === 0 ? 'certain' : 'suspected';
      const to = known ? { to: segment.size } : {};
      const words = LOSS_WORDS[reason] ?? reason;
      const loss: Loss = { reason, proof, segment: segment.id, name: segment.name, from, ...to, words };
      this.#queue.push({ kind: 'loss', segment, loss });
    }
    this.#queue.push({ kind: 'end', segment, length });
  }

  /** False where its file cannot be had now, or ends before the place where this reader stands. */
  async #enter(segment: Segment): Promise<boolean> {
    let lease: Lease;
    try {
      lease = await segment.lease();
    } catch (error) {
      if (!isMissing(error)) throw error;
      // It has been renamed or deleted since; the log finds out which at its next look.
      return false;
    }
    await this.#leave();
    this.#lease = lease;
    this.#segment = segment;
    const place = this.#places.get(segment.id) ?? { offset: 0, done: false, marks: [] };
    this.#places.set(segment.id, place);
    this.#offset = place.offset;
    this.#enteredAt = performance.now();
    this.#gaveOut = false;
    try {
      await this.#standAt(this.#torn.get(segment) ?? place.offset);
    } catch (error) {
      if (error instanceof CorruptGzip) return this.#corruptBefore(segment, error);
      await this.#leave();
      throw error;
    }
    this.#torn.delete(segment);
    if (this.#offset === 0) this.#queue.unshift(...this.#firstEntered(segment));
    else this.#entered.add(segment);
    return true;
  }

  /**
   * Takes its stand at an offset, with the bytes before it as history. Where those are not the bytes that were read
   * (`distrusted`, or the mark there does not hold), it goes back to the newest older mark that does.
   */
  async #standAt(offset: number, distrusted = false): Promise<void> {
    const segment = this.#segment as Segment;
    const place = this.#places.get(segment.id) as Place;
    const left = this.#left.get(segment);
    const exact = left?.offset === offset ? left : place.marks.find((mark) => mark.offset === offset);
    let stand = offset;
    let history = distrusted ? null : await this.#historyIn(offset);
    if (history === null || (exact !== undefined && markOf(history) !== exact.hash)) {
      stand = 0;
      history = Buffer.alloc(0);
      for (const mark of place.marks.toReversed()) {
        if (mark.offset >= offset) continue;
        const before = await this.#historyIn(mark.offset);
        if (before === null || markOf(before) !== mark.hash) continue;
        stand = mark.offset;
        history = before;
        break;
      }
      place.marks = place.marks.filter((mark) => mark.offset <= stand);
      this.#left.delete(segment);
    }
    this.#buffer.begin(history);
    this.#offset = stand;
    this.#skipped = null;
    this.#drained = false;
    place.offset = stand;
    place.done = false;
    if (stand !== offset) this.#queue.push({ kind: 'rewound', segment, from: offset, to: stand });
  }

  /** The bytes right before an offset as they are in the file now; `null` where it does not reach so far. */
  async #historyIn(offset: number): Promise<Buffer | null> {
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

  async #stepOn(): Promise<Piece | 'again' | null> {
    // What is to be said of a segment comes before what is in it.
    if (this.#queue.length > 0) return 'again';
    const segment = this.#segment as Segment;
    if (segment.gone !== null) return this.#goneMeanwhile(segment);
    try {
      return this.#skipped === null ? await this.#read(segment) : await this.#skipOversize(segment, this.#skipped);
    } catch (error) {
      if (error instanceof CorruptGzip) return this.#corrupt(segment, error);
      // The log took its descriptor back: it has let the segment go, or found a better place for it.
      if (!isMissing(error)) throw error;
      await this.#leave();
      return 'again';
    }
  }

  async #goneMeanwhile(segment: Segment): Promise<'again'> {
    const { offset } = this.position ?? { offset: 0 };
    await this.#leave();
    const place = this.#places.get(segment.id) as Place;
    place.offset = offset;
    if (!this.#gone.has(segment)) this.#lose(segment);
    return 'again';
  }

  async #read(segment: Segment): Promise<Piece | 'again' | null> {
    if (this.#drained) {
      this.#drained = false;
      return this.#reachedEnd(segment);
    }
    const buffer = this.#buffer;
    const { large } = this.#options;
    if (large !== undefined && buffer.left * 2 > large.largeBytes) await large.room();
    buffer.makeRoom();
    const count = segment.closed ? await this.#readOn() : await this.#readOnBehindHistory();
    if (count === null) {
      await this.#contentChanged(segment);
      return 'again';
    }
    if (count === 0) return this.#reachedEnd(segment);
    this.#drained = count < buffer.room && this.#lease?.compressed === false;
    const scanFrom = buffer.filled;
    buffer.filled += count;
    return this.#giveOut(segment, scanFrom);
  }

  #giveOut(segment: Segment, scanFrom: number): Piece | 'again' {
    const buffer = this.#buffer;
    const offset = this.#offset;
    const nuls = buffer.leadingNuls();
    if (nuls > 0) this.#advance(nuls);
    const { start } = buffer;
    const end = buffer.linesEnd(Math.max(scanFrom, start));
    if (nuls > 0) {
      // What stands behind them comes with the next piece.
      if (end !== null) {
        this.#advance(end - start);
        this.#queue.push({ kind: 'lines', segment, bytes: buffer.bytes, start, end, offset: offset + nuls });
      }
      return { kind: 'nul', segment, offset, end: offset + nuls };
    }
    if (end === null) {
      if (buffer.left >= this.#options.maxLineBytes) this.#skipped = this.#offset + buffer.left;
      return 'again';
    }
    this.#advance(end - start);
    this.#gaveOut = true;
    return { kind: 'lines', segment, bytes: buffer.bytes, start, end, offset };
  }

  /** Nothing more to read at this moment: is the segment at its end, or only its writer behind? */
  async #reachedEnd(segment: Segment): Promise<Piece | 'again' | null> {
    const lease = this.#lease as Lease;
    const length = this.#offset + this.#buffer.left;
    if (!lease.isCurrent()) {
      await this.#leave();
      return 'again';
    }
    if (!lease.compressed) {
      const { closed } = segment;
      const { size } = await lease.facts();
      if (size > length) return 'again';
      if (!closed) {
        this.#lookedUpTo.set(segment, length);
        // A backup with a strange place in time may have turned up meanwhile.
        return (await this.#enterNext(segment)) || this.#queue.length > 0 ? 'again' : null;
      }
    }
    const torn = this.#takeTorn(segment);
    if (torn !== null) return torn;
    if (segment.size > length) {
      const loss = this.#shortened(segment, length, segment.size);
      this.#queue.push(await this.#finish(segment, length));
      return loss;
    }
    segment.size = length;
    return this.#finish(segment, length);
  }

  /** The last line, where it has no end. */
  #takeTorn(segment: Segment): Piece | null {
    const { bytes, start, filled, left } = this.#buffer;
    if (left === 0) return null;
    const offset = this.#offset;
    this.#torn.set(segment, offset);
    this.#advance(left);
    return { kind: 'torn', segment, bytes, start, end: filled, offset };
  }

  /** A closed file ends before the size that it had: it was cut off by hand, or by a power loss. */
  #shortened(segment: Segment, from: number, to: number): Piece {
    const words = `${segment.name} ends before the size that it had: it was cut off after it had been closed`;
    return {
      kind: 'loss',
      segment,
      loss: { reason: 'truncated', proof: 'certain', segment: segment.id, name: segment.name, from, to, words },
    };
  }

  async #finish(segment: Segment, length: number): Promise<Piece> {
    await this.#leave();
    const place = this.#places.get(segment.id) as Place;
    place.done = true;
    place.offset = Math.max(length, segment.size);
    return { kind: 'end', segment, length };
  }

  /** A compressed file that ends before its end: wait while it grows; then what could be read is all there is. */
  async #corrupt(segment: Segment, error: CorruptGzip): Promise<Piece | 'again' | null> {
    if (await this.#waitsForGzip(segment)) return null;
    const torn = this.#takeTorn(segment);
    if (torn !== null) this.#queue.push(torn);
    const end = this.#offset;
    this.#queue.push(this.#damaged(segment, end, error));
    this.#queue.push(await this.#finish(segment, end));
    return 'again';
  }

  /** It ends even before the place where this reader stands. */
  async #corruptBefore(segment: Segment, error: CorruptGzip): Promise<boolean> {
    if (await this.#waitsForGzip(segment)) return false;
    const { offset } = this.#places.get(segment.id) as Place;
    this.#queue.push(this.#damaged(segment, offset, error));
    this.#queue.push(await this.#finish(segment, offset));
    return false;
  }

  /** Whether it may still grow, or be read elsewhere: then it is left for now. */
  async #waitsForGzip(segment: Segment): Promise<boolean> {
    if (!segment.hasPlain && this.#log.gzipStable(segment)) return false;
    await this.#leave();
    return true;
  }

  #damaged(segment: Segment, from: number, error: CorruptGzip): Piece {
    const words = `${segment.name} is cut off or damaged: ${error.message}`;
    const to = segment.size > from ? { to: segment.size } : {};
    return {
      kind: 'loss',
      segment,
      loss: { reason: 'corrupt', proof: 'certain', segment: segment.id, name: segment.name, from, ...to, words },
    };
  }

  /** Reads on to the end of a line that is too long, keeping nothing of it. */
  async #skipOversize(segment: Segment, skipped: number): Promise<Piece | 'again' | null> {
    this.#buffer.shrink();
    const { bytes } = this.#buffer;
    const begin = this.#offset;
    const count = await this.#readContent(skipped, bytes, 0, READ_BYTES);
    if (count === 0 && !(await this.#isFinal(segment, skipped))) {
      if (((await this.#lease?.facts())?.size ?? 0) < skipped) await this.#contentChanged(segment);
      return null;
    }
    const newline = bytes.subarray(0, count).indexOf(NEWLINE);
    this.#skipped = skipped + (newline === -1 ? count : newline + 1);
    if (newline === -1 && count > 0) return 'again';
    const end = this.#skipped;
    await this.#standAt(end);
    return { kind: 'oversize', segment, offset: begin, end };
  }

  async #isFinal(segment: Segment, position: number): Promise<boolean> {
    const lease = this.#lease as Lease;
    return lease.compressed || (segment.closed && (await lease.facts()).size <= position);
  }

  #readOn(): Promise<number> {
    const buffer = this.#buffer;
    return this.#readContent(this.#offset + buffer.left, buffer.bytes, buffer.filled, buffer.room);
  }

  /**
   * Reads on, and in the same go once more what stands right before: `null` where those are not the bytes that were read.
   * A truncation shows there, whatever the size.
   */
  async #readOnBehindHistory(): Promise<number | null> {
    const buffer = this.#buffer;
    const now = buffer.history();
    const read = Buffer.from(now);
    const offset = this.#offset + buffer.left - read.length;
    const at = buffer.filled - read.length;
    let count = 0;
    try {
      let more: number;
      do {
        const room = buffer.bytes.length - at - count;
        more = await this.#readContent(offset + count, buffer.bytes, at + count, room);
        count += more;
      } while (more > 0 && count < read.length);
      return count >= read.length && now.equals(read) ? count - read.length : null;
    } finally {
      read.copy(now);
    }
  }

  /** Other bytes stand there now. Where it is the same segment still, reading goes on from an older mark. */
  async #contentChanged(segment: Segment): Promise<void> {
    const offset = this.#offset;
    this.#lookedUpTo.delete(segment);
    await this.#log.contentChanged(segment);
    if (segment === this.#log.live) await this.#standAt(offset, true);
    else await this.#leave();
  }

  #advance(count: number): void {
    this.#buffer.start += count;
    this.#offset += count;
    const place = this.#places.get((this.#segment as Segment).id) as Place;
    place.offset = this.#offset;
  }

  #readContent(offset: number, into: Buffer, at: number, length: number): Promise<number> {
    return (this.#lease as Lease).content.read(offset, into, at, length);
  }

  async #leave(): Promise<void> {
    const lease = this.#lease;
    const segment = this.#segment;
    const { bytes, start } = this.#buffer;
    if (segment !== null && start >= Math.min(MARK_BYTES, this.#offset)) {
      this.#left.set(segment, this.markAt(bytes, start, this.#offset));
    }
    this.#lease = null;
    this.#segment = null;
    this.#skipped = null;
    this.#drained = false;
    this.#buffer.shrink();
    await lease?.release();
  }
}

const LOSS_WORDS: Readonly<Record<string, string>> = {
  deleted: 'the file was deleted before it had been read to its end',
  retention: 'the file was let go, because what is kept for slow outputs had reached its bound',
  'spool-full': 'the spool was full, and its oldest file was let go',
  truncated: 'the file was truncated or overwritten before it had been read to its end',
};
