import { crc32 } from 'node:zlib';
import { AuditailError } from '../errors.ts';
import { hex } from './checkpoint-file.ts';
import { decodeHeader, MAX_HEADER_BYTES, RECORD_START } from './dead-letter-record.ts';
import type { RecordHeader } from './dead-letter-record.ts';
import { readUpTo } from './files.ts';
import type { StateFiles } from './files.ts';

/** A whole record of a file: its header line begins at `from`, the bytes of the event at `bodyFrom`; `to` is behind its newline. */
export interface PlacedRecord {
  readonly what: 'record';
  readonly header: RecordHeader;
  readonly from: number;
  readonly bodyFrom: number;
  readonly to: number;
}

/** Bytes that belong to no whole record: damage, or at the end of a file what is being written or was torn by a crash. */
export interface NoRecord {
  readonly what: 'damaged';
  readonly from: number;
  readonly to: number;
}

const WINDOW_BYTES = 256 * 1024;
const STEP_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** The parts of a file of records, in order and without a gap. Bodies are not read. */
export async function* walkRecords(files: StateFiles, fd: number): AsyncGenerator<PlacedRecord | NoRecord> {
  const size = await files.size(fd);
  const window = new FileWindow(files, fd);
  for (let at = 0; at < size; ) {
    let record = await recordAt(window, at, size);
    if (record === null) {
      const from = at;
      while (record === null && at < size) {
        at = await nextStart(window, at, size);
        record = at < size ? await recordAt(window, at, size) : null;
      }
      yield { what: 'damaged', from, to: at };
    }
    if (record !== null) {
      yield record;
      at = record.to;
    }
  }
}

/** The bytes of an event in pieces of 1 MiB. Throws AUD_STATE_DAMAGED behind the last where they are not what was set aside. */
export async function* bodyOf(files: StateFiles, fd: number, record: PlacedRecord): AsyncGenerator<Buffer> {
  const { header } = record;
  let crc = 0;
  for (let done = 0; done < header.bytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(STEP_BYTES, header.bytes - done));
    const count = await readUpTo(files, fd, piece, record.bodyFrom + done);
    crc = crc32(piece.subarray(0, count), crc);
    if (count < piece.length) break;
    yield piece;
    done += count;
  }
  if (hex(crc) === header.crc32) return;
  throw new AuditailError(
    'AUD_STATE_DAMAGED',
    `dead letter ${header.record} is damaged: its checksum is not the one that was stored`,
    {
      hint: `The event stood in ${header.meta.name} at offset ${header.meta.offset}; look for it there. Its record can be removed.`,
    },
  );
}

async function recordAt(window: FileWindow, from: number, size: number): Promise<PlacedRecord | null> {
  const bytes = await window.bytes(from, MAX_HEADER_BYTES);
  const newline = bytes.indexOf(NEWLINE);
  const header = newline === -1 ? null : decodeHeader(bytes.subarray(0, newline));
  if (header === null) return null;
  const bodyFrom = from + newline + 1;
  const to = bodyFrom + header.bytes + 1;
  if (to > size || (await window.bytes(to - 1, 1))[0] !== NEWLINE) return null;
  return { what: 'record', header, from, bodyFrom, to };
}

/** The next place behind `at` where a header line may begin, or `size`. */
async function nextStart(window: FileWindow, at: number, size: number): Promise<number> {
  const pattern = `\n${RECORD_START}`;
  for (let from = at; from < size; from += WINDOW_BYTES - pattern.length) {
    const found = (await window.bytes(from, WINDOW_BYTES)).indexOf(pattern, 0, 'latin1');
    if (found !== -1) return from + found + 1;
  }
  return size;
}

/** Reads a file by whole windows, so that many small records take few calls. */
class FileWindow {
  readonly #files: StateFiles;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(WINDOW_BYTES);
  #from = 0;
  #length = 0;

  constructor(files: StateFiles, fd: number) {
    this.#files = files;
    this.#fd = fd;
  }

  /** Up to `length` bytes at `position`: fewer at the end of the file only. Valid until the next call. */
  async bytes(position: number, length: number): Promise<Buffer> {
    const start = position - this.#from;
    if (start < 0 || start + length > this.#length) {
      this.#from = position;
      this.#length = await readUpTo(this.#files, this.#fd, this.#buffer, position);
      return this.#buffer.subarray(0, Math.min(length, this.#length));
    }
    return this.#buffer.subarray(start, start + length);
  }
}
