import { crc32 } from 'node:zlib';
import { hex } from './checkpoint-file.ts';

/** Why an event was set aside, and where in the log it stands. */
export interface DeadLetterMeta {
  /** The short stable word that the ledger and the metrics count it under. */
  readonly reason: string;
  /** The receiver's own words, or our own. */
  readonly words: string;
  /** HTTP status, 0 where there was none. */
  readonly status: number;
  readonly output: string;
  readonly source: string;
  /** Identity and last known file name of the segment. */
  readonly segment: string;
  readonly name: string;
  /** Byte offset of the event's line in the uncompressed content. */
  readonly offset: number;
  /** When it was set aside, RFC 3339. */
  readonly at: string;
}

/** Names one record of one dead letter for good: numbers are not used twice. */
export interface DeadLetterKey {
  readonly record: number;
  readonly source: string;
  readonly segment: string;
  readonly offset: number;
}

/**
 * A record in a file: a header line of JSON, the bytes of the event as they are, and a newline.
 *
 *     {"format":"auditail-dead-letter","version":1,"record":17,"bytes":1234,"crc32":"89abcdef","reason":…,"check":"01234567"}
 *     {"kind":"Event", … }
 *
 * `crc32` goes over the bytes of the event, `check` over the header up to `,"check"`.
 */
export interface RecordHeader {
  readonly record: number;
  readonly bytes: number;
  readonly crc32: string;
  readonly meta: DeadLetterMeta;
}

/** How every header line begins: where reading goes on behind damage. */
export const RECORD_START = '{"format":"auditail-dead-letter"';

/** Longer headers are not written: words are cut, and the other fields are names. */
export const MAX_HEADER_BYTES = 32 * 1024;

const VERSION = 1;
const MAX_WORDS = 2048;
const MAX_REASON = 200;
const HEADER_END = /^(.*),"check":"([0-9a-f]{8})"\}$/;

/** The header line with its newline. */
export function encodeHeader({ record, bytes, crc32: crc, meta }: RecordHeader): Buffer {
  const { reason, words, status, output, source, segment, name, offset, at } = meta;
  const cut = { reason: reason.slice(0, MAX_REASON), words: words.slice(0, MAX_WORDS) };
  const place = { status, output, source, segment, name, offset, at };
  const fields = { version: VERSION, record, bytes, crc32: crc, ...cut, ...place };
  const head = `${RECORD_START},${JSON.stringify(fields).slice(1, -1)}`;
  return Buffer.from(`${head},"check":"${hex(crc32(head))}"}\n`);
}

/** The header of a line without its newline, or `null` where it is none. */
export function decodeHeader(line: Buffer): RecordHeader | null {
  const match = HEADER_END.exec(line.toString());
  if (match === null) return null;
  const [, head = '', check] = match;
  if (!head.startsWith(RECORD_START) || hex(crc32(head)) !== check) return null;
  const fields = JSON.parse(`${head}}`) as Record<string, unknown>;
  const { format: _format, version: _version, record, bytes, crc32: crc, ...meta } = fields;
  return {
    record: record as number,
    bytes: bytes as number,
    crc32: crc as string,
    meta: meta as unknown as DeadLetterMeta,
  };
}

/** What makes two events the same one: where they stand in the log. */
export function placeKey({ source, segment, offset }: Pick<DeadLetterKey, 'source' | 'segment' | 'offset'>): string {
  return JSON.stringify([source, segment, offset]);
}

/** The same for one record of it. */
export function recordKey(key: DeadLetterKey): string {
  return JSON.stringify([key.record, key.source, key.segment, key.offset]);
}

export function keyOf({ record, meta }: RecordHeader): DeadLetterKey {
  return { record, source: meta.source, segment: meta.segment, offset: meta.offset };
}
