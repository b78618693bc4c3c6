import type { Content } from './content.ts';
import { isMissing, sameFile, type FileFacts, type FileKey, type LogFiles } from './files.ts';
import { checkMark, readOrEnd, type Identity } from './identity.ts';
import type { EventReference } from './loss.ts';
import type { LogReader, Remembered } from './reader.ts';
import { Segment } from './segment.ts';

const COMPARE_BYTES = 256 * 1024;
/** Digits of an id that come from the first line; what follows tells apart files that begin alike. */
const IDENTITY_DIGITS = 32;

/** The segments of a log, oldest first, and which content belongs to which of them. */
export class SegmentList {
  /** The one that is written to. */
  live: Segment | null = null;
  readonly #files: LogFiles;
  readonly #reference: (line: Buffer) => EventReference | null;
  readonly #readers = new Map<string, LogReader>();
  readonly #byFirstLine = new Map<string, Segment[]>();
  #ordered: Segment[] = [];
  readonly #unplaced = new WeakSet<Segment>();
  #version = 0;

  constructor(files: LogFiles, reference: (line: Buffer) => EventReference | null) {
    this.#files = files;
    this.#reference = reference;
  }

  get all(): readonly Segment[] {
    return this.#ordered;
  }

  /** Goes up whenever something may be to be read, or reported, that was not before. */
  get version(): number {
    return this.#version;
  }

  /** Something may be to be read or reported. */
  changed(): void {
    this.#version += 1;
  }

  addReader(reader: LogReader): void {
    this.#readers.set(reader.name, reader);
  }

  /** The segment that content belongs to, where it is one of those that are known. */
  async match(identity: Identity, content: Content, key: FileKey): Promise<Segment | null> {
    for (const segment of this.#byFirstLine.get(identity.id) ?? []) {
      if (segment.gone !== null) continue;
      if (segment.key !== null && sameFile(segment.key, key)) return segment;
      if (await this.#sameContent(segment, content)) return segment;
    }
    return null;
  }

  /** A segment not seen in this run: under the id it had in an earlier run, where one of the readers remembers it. */
  async create(identity: Identity, content: Content, name: string): Promise<Segment> {
    const taken = new Set((this.#byFirstLine.get(identity.id) ?? []).map((segment) => segment.id));
    const remembered = this.#remembered(identity.id);
    let best: { id: string; offset: number } | null = null;
    for (const record of remembered) {
      const offset = taken.has(record.id) ? null : await furthestMark(content, record.marks);
      if (offset !== null && (best === null || offset > best.offset)) best = { id: record.id, offset };
    }
    for (const { id } of remembered) taken.add(id);
    const id = best?.id ?? freeId(identity.id, taken);
    return new Segment(this.#files, id, name, this.#reference(identity.firstLine));
  }

  append(segment: Segment): void {
    this.#index(segment);
    this.#ordered.push(segment);
  }

  /** Places a backup that was not seen while it was live: by its name, before the first that is younger. */
  insert(segment: Segment, instantMs: number): void {
    const younger = (other: Segment) => isYounger(other, instantMs, this.live);
    const last = this.#ordered.at(-1);
    const at = last === undefined || !younger(last) ? -1 : this.#ordered.findIndex(younger);
    if (at === -1) this.append(segment);
    else {
      this.#index(segment);
      this.#ordered.splice(at, 0, segment);
    }
  }

  /** Adds one of which no name is known that would tell its place: older than whatever has a name by now. */
  insertUnplaced(segment: Segment): void {
    this.insert(segment, Number.NEGATIVE_INFINITY);
    this.#unplaced.add(segment);
  }

  /** Its name is known by now (`null` where it is the live one): it moves if it stands on the wrong side of another. */
  place(segment: Segment, instantMs: number | null): void {
    if (!this.#unplaced.delete(segment)) return;
    const at = this.#ordered.indexOf(segment);
    const before = this.#ordered.slice(0, at);
    const behind = this.#ordered.slice(at + 1);
    const wrong =
      instantMs === null
        ? behind.length > 0
        : before.some((other) => isYounger(other, instantMs, this.live)) ||
          behind.some((other) => other.instantMs !== null && other.instantMs < instantMs);
    if (!wrong) return;
    const others = [...before, ...behind];
    const younger = instantMs === null ? -1 : others.findIndex((other) => isYounger(other, instantMs, this.live));
    others.splice(younger === -1 ? others.length : younger, 0, segment);
    this.#ordered = others;
    this.changed();
  }

  /** Puts segments in the order of their first events: pins of an earlier run tell it in no other way. */
  orderByFirstEvent(): void {
    let timeMs = Number.NEGATIVE_INFINITY;
    const timed = this.#ordered.map((segment) => {
      // One that begins with no event stays behind the one before it.
      if (segment.first !== null) timeMs = Date.parse(segment.first.time);
      return { segment, timeMs };
    });
    this.#ordered = timed.sort((a, b) => a.timeMs - b.timeMs).map(({ segment }) => segment);
  }

  remove(gone: ReadonlySet<Segment>): void {
    this.changed();
    this.#ordered = this.#ordered.filter((segment) => !gone.has(segment));
    for (const { id } of gone) {
      const firstLine = id.slice(0, IDENTITY_DIGITS);
      const left = (this.#byFirstLine.get(firstLine) ?? []).filter((segment) => !gone.has(segment));
      if (left.length === 0) this.#byFirstLine.delete(firstLine);
      else this.#byFirstLine.set(firstLine, left);
    }
  }

  /** The segment that stands before one in the log. */
  previousOf(segment: Segment): Segment | null {
    const at = this.#ordered.indexOf(segment);
    return at > 0 ? (this.#ordered[at - 1] as Segment) : null;
  }

  /** Whether a plain file is only a copy, no better than what the segment has: then it stays with that. */
  isMereCopy(known: Segment, facts: FileFacts): boolean {
    if (known.key === null || sameFile(known.key, facts)) return false;
    // The file itself is followed, or held until its own name is seen.
    if (known === this.live || known.awaitsName) return true;
    return known.places.plain === null ? known.reachable && facts.size < known.size : facts.size <= known.plainBytes;
  }

  /** Marks for which readers a segment is (again) unread. */
  markUnread(segment: Segment): void {
    this.changed();
    const compressedOnly = segment.places.plain === null && segment.places.pin === null && segment.size === 0;
    for (const reader of this.#readers.values()) {
      const record = reader.remembered(segment.id).find(({ id }) => id === segment.id);
      const settled = record?.done === true && (compressedOnly || segment.size <= record.settled);
      if (!settled) segment.unsettledBy.add(reader.name);
    }
  }

  #index(segment: Segment): void {
    const firstLine = segment.id.slice(0, IDENTITY_DIGITS);
    const alike = this.#byFirstLine.get(firstLine);
    if (alike === undefined) this.#byFirstLine.set(firstLine, [segment]);
    else alike.push(segment);
  }

  #remembered(id: string): Remembered[] {
    return [...this.#readers.values()].flatMap((reader) => [...reader.remembered(id)]);
  }

  /** Two files with one first line are one segment only if the shorter is a prefix of the longer. */
  async #sameContent(segment: Segment, content: Content): Promise<boolean> {
    let lease: Awaited<ReturnType<Segment['lease']>>;
    try {
      lease = await segment.lease();
    } catch (error) {
      if (!isMissing(error)) throw error;
      return this.#sameAsRemembered(segment, content);
    }
    try {
      return await samePrefix(lease.content, content);
    } finally {
      await lease.release();
    }
  }

  /** Its file is gone, or other bytes stand in it: the marks of those who have read it must hold in the other one. */
  async #sameAsRemembered(segment: Segment, content: Content): Promise<boolean> {
    const marks = this.#remembered(segment.id).flatMap((record) => (record.id === segment.id ? [...record.marks] : []));
    return (await furthestMark(content, marks)) !== null;
  }
}

function isYounger(other: Segment, instantMs: number, live: Segment | null): boolean {
  return other === live || (other.instantMs !== null && other.instantMs > instantMs);
}

/**
 * Offset of the last mark that holds; 0 where there is none, or the content ends before them all, as a power loss can
 * leave it; `null` where other bytes stand there: another file that begins with the same line.
 */
async function furthestMark(content: Content, marks: Remembered['marks']): Promise<number | null> {
  let differs = false;
  for (const mark of marks.toReversed()) {
    const found = await checkMark(content, mark);
    if (found === 'holds') return mark.offset;
    differs ||= found === 'differs';
  }
  return differs ? null : 0;
}

/** The id itself, or with the first number that is free: another file begins with the same line. */
function freeId(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  let number = 2;
  while (taken.has(`${id}-${number}`)) number += 1;
  return `${id}-${number}`;
}

async function samePrefix(mine: Content, theirs: Content): Promise<boolean> {
  const one = Buffer.allocUnsafe(COMPARE_BYTES);
  const other = Buffer.allocUnsafe(COMPARE_BYTES);
  for (let offset = 0; ; ) {
    const length = await readOrEnd(mine, offset, one, 0, COMPARE_BYTES);
    let count = 0;
    while (count < length) {
      const more = await readOrEnd(theirs, offset + count, other, count, length - count);
      if (more === 0) break;
      count += more;
    }
    if (!one.subarray(0, count).equals(other.subarray(0, count))) return false;
    if (length === 0 || count < length) return true;
    offset += length;
  }
}
