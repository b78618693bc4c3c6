import { crc32 } from 'node:zlib';
import { encodeRecord, hex } from './checkpoint-file.ts';
import type { Checkpoint, SegmentRecord } from './checkpoint.ts';

/**
 * The journal beside a checkpoint file: one line per note, each complete in itself over that file, so that only the
 * newest valid one counts. A line is the CRC-32 of the rest of it in hexadecimal, a space, and JSON:
 *
 *     89abcdef {"base":"42-01234567","note":1235,"segments":[[0,36],{"id":…},[37,2]],"window":[…],"totals":{…}}
 *
 * `segments` is spliced together from runs of the file's own list (`[first, count]`) and from records that are new or
 * have changed; a field that is missing is as in the file, unless `gone` names it.
 */
export interface JournalBase {
  /** `CheckpointFile.id`, or `NO_FILE` before the first save. */
  readonly id: string;
  readonly checkpoint: Checkpoint | null;
}

/** The base of notes that were taken before anything was saved. */
export const NO_FILE = '0-00000000';

export interface Note {
  readonly number: number;
  readonly checkpoint: Checkpoint;
}

const NEWLINE = 0x0a;
const CRC_DIGITS = 8;
/** How far ahead a record is looked for in the base before a map of all is made: segments go at the front, rarely in the middle. */
const NEAR = 16;

type Run = readonly [first: number, count: number];

/** Writes the notes over one checkpoint file. Unchanged records are known by being the same object. */
export class JournalEncoder {
  readonly #base: JournalBase;
  #index: ReadonlyMap<SegmentRecord, number> | undefined;

  constructor({ id, checkpoint }: JournalBase) {
    // The log's own list of rotations goes on growing; what the file holds of it does not.
    this.#base = { id, checkpoint: checkpoint && { ...checkpoint, rotations: [...checkpoint.rotations] } };
  }

  encode(number: number, checkpoint: Checkpoint): Buffer {
    let json = `{"base":"${this.#base.id}","note":${number},"segments":${this.#segments(checkpoint.segments)}`;
    const base: Partial<Checkpoint> = this.#base.checkpoint ?? {};
    for (const key of Object.keys(checkpoint) as (keyof Checkpoint)[]) {
      if (key === 'segments' || same(checkpoint[key], base[key])) continue;
      json += `,${JSON.stringify(key)}:${JSON.stringify(checkpoint[key])}`;
    }
    const gone = Object.keys(base).filter((key) => !(key in checkpoint));
    if (gone.length > 0) json += `,"gone":${JSON.stringify(gone)}`;
    json += '}';
    return Buffer.from(`${hex(crc32(json))} ${json}\n`);
  }

  #segments(segments: readonly SegmentRecord[]): string {
    const base = this.#base.checkpoint?.segments ?? [];
    const parts: string[] = [];
    /** Where in the base the next record is expected: behind the last one, changed or not. */
    let expected = 0;
    for (let at = 0; at < segments.length; ) {
      const record = segments[at] as SegmentRecord;
      const first = base[expected] === record ? expected : this.#find(base, record, expected);
      if (first === undefined) {
        parts.push(encodeRecord(record));
        expected += 1;
        at += 1;
        continue;
      }
      const count = commonRun(base, first, segments, at);
      parts.push(`[${first},${count}]`);
      expected = first + count;
      at += count;
    }
    return `[${parts.join(',')}]`;
  }

  #find(base: readonly SegmentRecord[], record: SegmentRecord, from: number): number | undefined {
    for (let at = from; at < from + NEAR && at < base.length; at += 1) {
      if (base[at] === record) return at;
    }
    // The usual case: the record in this place has changed, or stands behind all that the base knows.
    if (from >= base.length || base[from]?.id === record.id) return undefined;
    this.#index ??= new Map(base.map((known, at) => [known, at]));
    return this.#index.get(record);
  }
}

/** Whether two fields are the same object, or lists of the same: rotation times are listed anew each time. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  return a.length === b.length && commonRun(a, 0, b, 0) === a.length;
}

/** How many records from these places on are the same objects. */
function commonRun(a: readonly unknown[], fromA: number, b: readonly unknown[], fromB: number): number {
  const most = Math.min(a.length - fromA, b.length - fromB);
  let count = 0;
  while (count < most && a[fromA + count] === b[fromB + count]) count += 1;
  return count;
}

/** The newest valid note in a journal that builds on `base`, or `null`. Torn and foreign lines are passed over. */
export function newestNote(journal: Buffer, base: JournalBase): Note | null {
  for (let end = journal.length; end > 0; ) {
    const newline = journal.lastIndexOf(NEWLINE, end - 1);
    const note = decodeNote(journal.subarray(newline + 1, end), base);
    if (note !== null) return note;
    end = newline;
  }
  return null;
}

function decodeNote(line: Buffer, base: JournalBase): Note | null {
  if (line.length < CRC_DIGITS + 3) return null;
  const json = line.subarray(CRC_DIGITS + 1);
  if (line.toString('latin1', 0, CRC_DIGITS) !== hex(crc32(json))) return null;
  const { base: id, note, segments, gone = [], ...fields } = JSON.parse(json.toString()) as JournalLine;
  if (id !== base.id) return null;
  const known = base.checkpoint?.segments ?? [];
  const spliced = segments.flatMap((part) => (isRun(part) ? known.slice(part[0], part[0] + part[1]) : [part]));
  const kept = Object.entries(base.checkpoint ?? {}).filter(([key]) => !gone.includes(key));
  const checkpoint = { ...Object.fromEntries(kept), ...fields, segments: spliced };
  return { number: note, checkpoint: checkpoint as unknown as Checkpoint };
}

interface JournalLine {
  readonly base: string;
  readonly note: number;
  readonly segments: readonly (Run | SegmentRecord)[];
  readonly gone?: readonly string[];
}

function isRun(part: Run | SegmentRecord): part is Run {
  return Array.isArray(part);
}
