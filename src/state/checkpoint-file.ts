import { crc32 } from 'node:zlib';
import { messageOf } from '../errors.ts';
import type { Checkpoint, SegmentRecord } from './checkpoint.ts';

/**
 * A checkpoint as a file: one header line, then `bytes` bytes of JSON with one segment a line.
 *
 *     {"format":"auditail-checkpoint","version":1,"sequence":42,"note":1234,"bytes":5678,"crc32":"89abcdef"}
 *     {"segments":[
 *     {"id":…},
 *     {"id":…}
 *     ],"output":…}
 *
 * The CRC-32 goes over the header up to `,"crc32"` and over the body. This much stays the same in every later version,
 * so that a newer file is known for what it is and not taken for a damaged one.
 */
export const CHECKPOINT_VERSION = 1;

const FORMAT = 'auditail-checkpoint';
const CRC_FIELD = ',"crc32":"';
const HEADER_END = /^(.*),"crc32":"([0-9a-f]{8})"\}$/;
const NEWLINE = 0x0a;

export interface CheckpointFile {
  /** Number of the save, ascending over the whole life of the file; the newest has the highest. */
  readonly sequence: number;
  /** Number of the last note that went before it. */
  readonly note: number;
  readonly checkpoint: Checkpoint;
  /** Names this very content: notes that build on it carry it. */
  readonly id: string;
}

export type DecodedFile =
  | { readonly state: 'valid'; readonly file: CheckpointFile }
  | { readonly state: 'newer'; readonly version: number }
  | { readonly state: 'damaged'; readonly words: string };

export function encodeCheckpoint(
  sequence: number,
  note: number,
  checkpoint: Checkpoint,
): { readonly bytes: Buffer; readonly id: string } {
  const { segments, ...rest } = checkpoint;
  const records = segments.map(encodeRecord).join(',\n');
  const body = Buffer.from(`{"segments":[\n${records}\n],${JSON.stringify(rest).slice(1)}\n`);
  const fields = { format: FORMAT, version: CHECKPOINT_VERSION, sequence, note, bytes: body.length };
  const head = JSON.stringify(fields).slice(0, -1);
  const crc = hex(crc32(body, crc32(head)));
  return { bytes: Buffer.concat([Buffer.from(`${head}${CRC_FIELD}${crc}"}\n`), body]), id: fileId(sequence, crc) };
}

export function decodeCheckpoint(bytes: Buffer): DecodedFile {
  const end = bytes.indexOf(NEWLINE);
  const header = HEADER_END.exec(bytes.toString('latin1', 0, Math.max(0, Math.min(end, 4096))));
  if (header === null) return damaged('the header is not readable');
  const [, head = '', crc = ''] = header;
  const body = bytes.subarray(end + 1);
  const actual = hex(crc32(body, crc32(head)));
  if (actual !== crc) return damaged(`the checksum is ${actual} and should be ${crc} (${bytes.length} bytes)`);
  try {
    const { format, version, sequence, note } = JSON.parse(`${head}}`) as Record<string, unknown>;
    if (format !== FORMAT) return damaged(`this is no checkpoint, but ${JSON.stringify(format)}`);
    if (Number(version) > CHECKPOINT_VERSION) return { state: 'newer', version: Number(version) };
    const checkpoint = JSON.parse(body.toString()) as Checkpoint;
    const id = fileId(Number(sequence), crc);
    return { state: 'valid', file: { sequence: Number(sequence), note: Number(note), checkpoint, id } };
  } catch (error) {
    return damaged(messageOf(error));
  }
}

/** Records never change, so each is encoded once: of ten thousand, a handful are new from one save to the next. */
const encodedRecords = new WeakMap<SegmentRecord, string>();

export function encodeRecord(record: SegmentRecord): string {
  const known = encodedRecords.get(record);
  if (known !== undefined) return known;
  const encoded = JSON.stringify(record);
  encodedRecords.set(record, encoded);
  return encoded;
}

/** Eight hexadecimal digits of a CRC-32. */
export function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

function fileId(sequence: number, crc: string): string {
  return `${sequence}-${crc}`;
}

function damaged(words: string): DecodedFile {
  return { state: 'damaged', words };
}
