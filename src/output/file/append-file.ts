import { constants, type Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, systemCode } from '../../errors.ts';

/** What is used of an open file. */
export interface OpenFile {
  stat(): Promise<Stats>;
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(buffer: Buffer, offset: number, length: number): Promise<{ bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What is used of the file system; `nodeFiles`, but for tests of what it may fail in. */
export interface Files {
  open(path: string, flags: number, mode?: number): Promise<OpenFile>;
  stat(path: string): Promise<Stats>;
}

export const nodeFiles: Files = { open, stat };

/** The file could not be cut back to what it was; `cause` is why the append failed in the first place. */
export class TornAppend extends Error {
  override readonly name = 'TornAppend';
}

/**
 * A file that lines are appended to, and that others may rename or remove at any time. What an append has returned for is on disk. One
 * append at a time.
 */
export class AppendFile {
  readonly #path: string;
  readonly #files: Files;
  #file: OpenFile | undefined;
  #identity = '';

  constructor(path: string, files: Files) {
    this.#path = path;
    this.#files = files;
  }

  /**
   * Appends whole lines and forces them to disk. Throws what the file system throws; the file is then as it was before, or, where that
   * could not be done (`TornAppend`), ends in a part of the lines. A part of a line stays as it is, and the next opening ends it with a
   * newline: it is no event, and the event that it was to be follows whole.
   */
  async append(lines: Buffer): Promise<void> {
    const file = await this.#current();
    const { size } = await file.stat();
    let written = 0;
    try {
      while (written < lines.length) {
        written += (await file.write(lines, written, lines.length - written)).bytesWritten;
      }
      await file.datasync();
      if ((await file.stat()).nlink === 0) throw removed(this.#path);
    } catch (error) {
      await this.#undo(file, size, lines, error);
      throw error;
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** The file that stands at the path now. */
  async #current(): Promise<OpenFile> {
    const there = await this.#look();
    if (this.#file !== undefined && there !== null && identityOf(there) === this.#identity) return this.#file;
    await this.close();
    // Reading is for the last byte only.
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
    const file = await this.#files.open(this.#path, flags, 0o600);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) {
        throw Object.assign(new Error(`${this.#path} is not a regular file`), { code: 'ENXIO' });
      }
      if (stats.size === 0) await this.#syncDirectory();
      else await endLastLine(file, stats.size);
      this.#identity = identityOf(stats);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = file;
    return file;
  }

  async #look(): Promise<Stats | null> {
    try {
      return await this.#files.stat(this.#path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** A new file is there after a power cut only if its directory is on disk. */
  async #syncDirectory(): Promise<void> {
    const directory = await this.#files.open(dirname(this.#path), constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** Takes back what was written, and lets go of the file: nothing about it is sure. */
  async #undo(file: OpenFile, size: number, lines: Buffer, cause: unknown): Promise<void> {
    try {
      const grown = (await file.stat()).size - size;
      // Not where somebody else has written behind it.
      if (grown > 0 && (await endsWith(file, size, grown, lines))) await file.truncate(size);
    } catch (error) {
      throw new TornAppend(messageOf(error), { cause });
    } finally {
      await this.close();
    }
  }
}

/** Whether the last bytes of the file, `grown` from `size` on, are the first ones of the lines. */
async function endsWith(file: OpenFile, size: number, grown: number, lines: Buffer): Promise<boolean> {
  if (grown > lines.length) return false;
  const found = Buffer.alloc(grown);
  const { bytesRead } = await file.read(found, 0, grown, size);
  return bytesRead === grown && found.equals(lines.subarray(0, grown));
}

/** Ends a line that a crash has torn. */
async function endLastLine(file: OpenFile, size: number): Promise<void> {
  const last = Buffer.alloc(1);
  const { bytesRead } = await file.read(last, 0, 1, size - 1);
  if (bytesRead === 1 && last[0] !== 0x0a) await file.write(Buffer.from('\n'), 0, 1);
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function removed(path: string): Error {
  return Object.assign(new Error(`${path} was removed while it was written to`), { code: 'ESTALE' });
}
