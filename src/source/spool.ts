import * as fs from 'node:fs/promises';
import { LogNames } from '../log/file-name.ts';

const NEWLINE = 10;

/** What a spool does with files, so that a test can make the Nth call fail. */
export type SpoolFiles = Pick<typeof fs, 'mkdir' | 'readdir' | 'open' | 'rename' | 'rm'>;

/**
 * The files in which a pipe's bytes wait: written as they come, rotated at line ends as the API server's own log is,
 * and followed like any log. One writer; kill -9 loses nothing that was written, a power failure at most what came
 * since the last `sync`. Whatever rejects can be called again: nothing is written twice, and nothing is left out.
 */
export class Spool {
  readonly path: string;
  readonly #names: LogNames;
  readonly #segmentBytes: number;
  readonly #files: SpoolFiles;
  #file: fs.FileHandle | null = null;
  /** Bytes of the live file that count; more of them are there where a write failed half-way and could not be undone. */
  #size = 0;
  #undone = true;
  #atLineEnd = true;
  #lastInstantMs = 0;
  #unsynced = false;
  /** Whether names were made or changed that are not on disk for certain. */
  #namesUnsynced = false;

  constructor(path: string, segmentBytes: number, files: SpoolFiles = fs) {
    this.path = path;
    this.#files = files;
    this.#names = new LogNames(path);
    this.#segmentBytes = segmentBytes;
  }

  /** What an earlier run left becomes a file of its own: its last line may be torn. */
  async open(): Promise<void> {
    await this.#files.mkdir(this.#names.directory, { recursive: true, mode: 0o700 });
    for (const name of await this.#files.readdir(this.#names.directory)) {
      this.#lastInstantMs = Math.max(this.#lastInstantMs, this.#names.parse(name)?.instantMs ?? 0);
    }
    this.#file ??= await this.#openLive();
    this.#size = (await this.#file.stat()).size;
    await this.rotate();
  }

  /**
   * Appends bytes as they are, up to the end of the last line that belongs into the live file: gives how many it took.
   * The rest is for the next call, which begins a new file.
   */
  async append(chunk: Buffer): Promise<number> {
    if (this.#size >= this.#segmentBytes && this.#atLineEnd) await this.rotate();
    this.#file ??= await this.#openLive();
    const newline = this.#size + chunk.length >= this.#segmentBytes ? chunk.lastIndexOf(NEWLINE) : -1;
    const bytes = newline === -1 ? chunk : chunk.subarray(0, newline + 1);
    await this.#write(this.#file, bytes);
    this.#atLineEnd = bytes[bytes.length - 1] === NEWLINE;
    return bytes.length;
  }

  /** Closes the live file under the name of a backup, and begins a new one. */
  async rotate(): Promise<void> {
    await this.#finish();
    this.#file ??= await this.#openLive();
    await this.#syncNames();
  }

  /** Closes the live file under the name of a backup: nothing more will come. */
  async close(): Promise<void> {
    await this.#finish();
    await this.#file?.close();
    this.#file = null;
    await this.#files.rm(this.path, { force: true });
    await this.#syncNames();
  }

  /** Forces to disk what has been written. */
  async sync(): Promise<void> {
    await this.#syncNames();
    const file = this.#file;
    if (!this.#unsynced || file === null) return;
    this.#unsynced = false;
    try {
      await file.datasync();
    } catch (error) {
      this.#unsynced = true;
      throw error;
    }
  }

  async #finish(): Promise<void> {
    if (this.#size === 0) return;
    if (this.#file !== null) {
      await this.#undo(this.#file);
      await this.#file.sync();
      const file = this.#file;
      this.#file = null;
      await file.close();
    }
    await this.#files.rename(this.path, this.#backupPath());
    this.#namesUnsynced = true;
    this.#size = 0;
    this.#atLineEnd = true;
    this.#unsynced = false;
  }

  async #openLive(): Promise<fs.FileHandle> {
    this.#namesUnsynced = true;
    return this.#files.open(this.path, 'a', 0o600);
  }

  async #syncNames(): Promise<void> {
    if (!this.#namesUnsynced) return;
    const directory = await this.#files.open(this.#names.directory, 'r');
    try {
      await directory.sync();
      this.#namesUnsynced = false;
    } finally {
      await directory.close();
    }
  }

  async #write(file: fs.FileHandle, bytes: Buffer): Promise<void> {
    await this.#undo(file);
    this.#unsynced = true;
    this.#undone = false;
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    this.#undone = true;
    this.#size += bytes.length;
  }

  /** A part of what could not be written may be there: away with it, since the whole will be appended again. */
  async #undo(file: fs.FileHandle): Promise<void> {
    if (this.#undone) return;
    await file.truncate(this.#size);
    this.#undone = true;
  }

  /** Names go up even where the clock goes back. */
  #backupPath(): string {
    this.#lastInstantMs = Math.max(Date.now(), this.#lastInstantMs + 1);
    return this.#names.path(this.#names.backup(this.#lastInstantMs));
  }
}
