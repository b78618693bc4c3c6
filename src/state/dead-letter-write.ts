import { crc32 } from 'node:zlib';
import { AuditailError, messageOf } from '../errors.ts';
import { hex } from './checkpoint-file.ts';
import { encodeHeader, placeKey } from './dead-letter-record.ts';
import type { DeadLetterMeta } from './dead-letter-record.ts';

const STEP_BYTES = 1024 * 1024;
const NEWLINE = Buffer.from('\n');

/** Reads bytes of an event: `offset` counts from its first byte. Gives how many it read, 0 where there are no more. */
export type ReadAt = (offset: number, into: Buffer) => Promise<number>;

/** An event to be set aside, wherever its bytes come from. */
export interface Pending {
  readonly meta: DeadLetterMeta;
  readonly length: number;
  readonly crc: number;
  chunks(): Iterable<Buffer> | AsyncIterable<Buffer>;
}

/** The same with its header line. */
export interface Numbered extends Pending {
  readonly key: string;
  readonly header: Buffer;
  /** Bytes of the whole record. */
  readonly size: number;
}

export function pendingBytes(meta: DeadLetterMeta, bytes: Buffer): Pending {
  return { meta, length: bytes.length, crc: crc32(bytes), chunks: () => [bytes] };
}

/** Reads the event twice, since the header goes before it: throws AUD_LOG_UNREADABLE where the second time differs. */
export async function pendingFrom(meta: DeadLetterMeta, length: number, read: ReadAt): Promise<Pending> {
  let crc = 0;
  for await (const piece of pieces(meta, length, read)) crc = crc32(piece, crc);
  async function* again(): AsyncGenerator<Buffer> {
    let second = 0;
    for await (const piece of pieces(meta, length, read)) {
      second = crc32(piece, second);
      yield piece;
    }
    if (second !== crc) throw changed(meta);
  }
  return { meta, length, crc, chunks: again };
}

export function number(record: number, pending: Pending): Numbered {
  const { meta, length, crc } = pending;
  const header = encodeHeader({ record, bytes: length, crc32: hex(crc), meta });
  return { ...pending, key: placeKey(meta), header, size: header.length + length + NEWLINE.length };
}

/** Writes records one behind the other, small ones together in one write. */
export async function writeRecords(records: readonly Numbered[], put: (bytes: Buffer) => Promise<void>): Promise<void> {
  let small: Buffer[] = [];
  let smallBytes = 0;
  async function flush(): Promise<void> {
    const bytes = Buffer.concat(small);
    small = [];
    smallBytes = 0;
    if (bytes.length > 0) await put(bytes);
  }
  async function add(piece: Buffer): Promise<void> {
    if (smallBytes + piece.length > STEP_BYTES) await flush();
    if (piece.length >= STEP_BYTES) return put(piece);
    small.push(piece);
    smallBytes += piece.length;
  }
  for (const record of records) {
    await add(record.header);
    for await (const piece of record.chunks()) await add(piece);
    await add(NEWLINE);
  }
  await flush();
}

async function* pieces(meta: DeadLetterMeta, length: number, read: ReadAt): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < length; ) {
    // A piece may still wait to be written when the next is read, so each has its own memory.
    const piece = Buffer.allocUnsafe(Math.min(STEP_BYTES, length - offset));
    const count = await readSome(meta, offset, piece, read);
    if (count === 0) throw changed(meta);
    yield piece.subarray(0, count);
    offset += count;
  }
}

/** What goes wrong with the log is no fault of the state directory, and is said to be what it is. */
async function readSome(meta: DeadLetterMeta, offset: number, into: Buffer, read: ReadAt): Promise<number> {
  try {
    return await read(offset, into);
  } catch (error) {
    throw new AuditailError('AUD_LOG_UNREADABLE', `cannot read ${meta.name}: ${messageOf(error)}`, { cause: error });
  }
}

function changed(meta: DeadLetterMeta): AuditailError {
  const message = `${meta.name} changed while its event at offset ${meta.offset} was set aside`;
  return new AuditailError('AUD_LOG_UNREADABLE', message, {
    hint: 'It is tried again; see what else writes to the log.',
  });
}
