import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { systemCode } from '../errors.ts';
import { AppendFile } from './append-file.ts';
import { hex } from './checkpoint-file.ts';
import type { Fence } from './fence.ts';
import { closeAfter, readFully, removeIfThere, syncDirectory, undoAndThrow, writeFully } from './files.ts';
import type { StateFiles } from './files.ts';
import type { StateFinding } from './finding.ts';
import { Serial } from '../serial.ts';

/** What is noted at once stands in a file beside it. */
const NOTES = '.notes';
const OLD_NOTES = '.notes.old';
const NEWLINE = 0x0a;
const SPACE = Buffer.from(' ');
const LINE_END = Buffer.from('\n');
const CRC_LENGTH = 8;
/** So much is put together for one write of a new file. */
const CHUNK_BYTES = 256 * 1024;

/**
 * A state that is written as a list of JSON records, each in a line of its own behind its CRC-32: first those that make
 * the state as it was, then what has happened since. It grows until `replace` writes it anew.
 */
export class LineJournal {
  readonly #directory: string;
  readonly #name: string;
  readonly #files: StateFiles;
  readonly #fence: Fence;
  readonly #serial = new Serial();
  /** Null where it has to be opened again. */
  #file: AppendFile | null;
  #size: number;
  #notes: number | null = null;
  /** Bytes after the last `replace`. */
  #base: number;

  private constructor(directory: string, name: string, files: StateFiles, fence: Fence, file: AppendFile) {
    this.#directory = directory;
    this.#name = name;
    this.#files = files;
    this.#fence = fence;
    this.#file = file;
    this.#base = file.size;
    this.#size = file.size;
  }

  /** Opens the journal and hands over each record that is whole; what a crash left half-written is cut off. */
  static async open(
    directory: string,
    name: string,
    { files, fence, take }: { files: StateFiles; fence: Fence; take: (record: unknown) => void },
  ): Promise<{ journal: LineJournal; findings: readonly StateFinding[] }> {
    const path = join(directory, name);
    await removeIfThere(files, `${path}.tmp`);
    const bytes = (await readFully(files, path)) ?? Buffer.alloc(0);
    const { whole, damaged } = walk(bytes, take);
    for (const notes of [OLD_NOTES, NOTES]) walk((await readFully(files, `${path}${notes}`)) ?? Buffer.alloc(0), take);
    const file = await AppendFile.open(path, files);
    const findings: StateFinding[] = [];
    try {
      await syncDirectory(files, directory);
      if (file.size > whole) {
        await file.cut(whole);
        findings.push({
          what: 'torn',
          file: path,
          words: 'the last record was half-written by a crash and was cut off',
        });
      }
    } catch (error) {
      return undoAndThrow(error, () => file.close());
    }
    if (damaged > 0)
      findings.push({ what: 'damaged', file: path, words: `${damaged} records are not as they were written` });
    return { journal: new LineJournal(directory, name, files, fence, file), findings };
  }

  /** Whether it holds so much more than the state itself that it should be written anew. */
  get isLong(): boolean {
    return this.#size > Math.max(4 * 1024 * 1024, this.#base * 2);
  }

  /** Writes records behind the others, durably: all or none of them. A buffer is taken for the JSON of a record. */
  append(records: readonly unknown[]): Promise<void> {
    const bytes = Buffer.concat(records.map(encode));
    return this.#serial.run(async () => {
      this.#fence.check();
      const file = await this.#opened();
      await file.append((put) => put(bytes));
      this.#size = file.size;
    });
  }

  /**
   * Notes a record at once, before this returns: it survives kill -9, not a power failure. Those that were noted are
   * handed over behind all others, so they must be such as hold in any order; `replace` forgets them.
   */
  note(record: unknown): void {
    this.#fence.check();
    this.#notes ??= this.#files.openNow(join(this.#directory, `${this.#name}${NOTES}`), 'a');
    // One that was half-written before must not spoil this one.
    const line = Buffer.concat([Buffer.from('\n'), encode(record)]);
    for (let done = 0; done < line.length; ) {
      const more = this.#files.writeNow(this.#notes, done === 0 ? line : line.subarray(done));
      if (more === 0) throw new Error('the system took no bytes');
      done += more;
    }
  }

  /** Begins anew with these records in the place of all others. They are taken before this returns. */
  async replace(records: Iterable<unknown>): Promise<void> {
    const chunks = inChunks(records);
    this.#setNotesAside();
    return this.#serial.run(async () => {
      this.#fence.check();
      const path = join(this.#directory, this.#name);
      const fd = await this.#files.open(`${path}.tmp`, 'w');
      await closeAfter(this.#files, fd, async () => {
        for (const chunk of chunks) await writeFully(this.#files, fd, chunk);
        await this.#files.sync(fd);
      });
      this.#fence.check();
      await this.#files.rename(`${path}.tmp`, path);
      // From here on nothing may go to the file of before, whatever else fails.
      const before = this.#file;
      this.#file = null;
      await before?.close();
      // What was noted until then is in what was written just now; what came meanwhile stands in a file of its own.
      await removeIfThere(this.#files, `${path}${OLD_NOTES}`);
      await syncDirectory(this.#files, this.#directory);
      this.#base = (await this.#opened()).size;
      this.#size = this.#base;
    });
  }

  close(): Promise<void> {
    return this.#serial.run(async () => {
      this.#closeNotes();
      await this.#file?.close();
    });
  }

  #setNotesAside(): void {
    this.#closeNotes();
    const path = join(this.#directory, this.#name);
    try {
      this.#files.renameNow(`${path}${NOTES}`, `${path}${OLD_NOTES}`);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  #closeNotes(): void {
    const notes = this.#notes;
    this.#notes = null;
    if (notes !== null) this.#files.closeNow(notes);
  }

  async #opened(): Promise<AppendFile> {
    this.#file ??= await AppendFile.open(join(this.#directory, this.#name), this.#files);
    return this.#file;
  }
}

function encode(record: unknown): Buffer {
  const json = Buffer.isBuffer(record)
    ? Buffer.concat([SPACE, record, LINE_END])
    : Buffer.from(` ${JSON.stringify(record)}\n`);
  return Buffer.concat([Buffer.from(hex(crc32(json))), json]);
}

function inChunks(records: Iterable<unknown>): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let lines: Buffer[] = [];
  let size = 0;
  for (const record of records) {
    const line = encode(record);
    lines.push(line);
    size += line.length;
    if (size < CHUNK_BYTES) continue;
    chunks.push(Buffer.concat(lines));
    lines = [];
    size = 0;
  }
  return [...chunks, Buffer.concat(lines)];
}

/** Hands whole records over; gives up to where they reach, and how many before that are damaged. */
function walk(bytes: Buffer, take: (record: unknown) => void): { whole: number; damaged: number } {
  let whole = 0;
  let damaged = 0;
  let pending = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, at);
    if (end === -1) break;
    const line = bytes.subarray(at, end + 1);
    at = end + 1;
    if (line.toString('latin1', 0, CRC_LENGTH) !== hex(crc32(line.subarray(CRC_LENGTH)))) {
      pending += 1;
      continue;
    }
    damaged += pending;
    pending = 0;
    whole = at;
    take(JSON.parse(line.toString('utf8', CRC_LENGTH)) as unknown);
  }
  return { whole, damaged };
}
