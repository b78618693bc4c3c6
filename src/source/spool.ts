import * as fs from 'node:fs/promises';
import { LogNames } from '../log/file-name.ts';

const NEWLINE = 10;

/**
 * The files in which a pipe's bytes wait: written as they come, rotated at line ends as the API server's own log is,
 * and followed like any log. One writer; kill -9 loses nothing that was written, a power failure at most a second.
 */
export class Spool {
  readonly path: string;
  readonly #names: LogNames;
  readonly #segmentBytes: number;
  #file: fs.FileHandle | null = null;
  #size = 0;
  #lastInstantMs = 0;
  #unsynced = false;

  constructor(path: string, segmentBytes: number) {
    this.path = path;
    this.#names = new LogNames(path);
    this.#segmentBytes = segmentBytes;
  }

  /** What an earlier run left becomes a file of its own: its last line may be torn. */
  async open(): Promise<void> {
    await fs.mkdir(this.#names.directory, { recursive: true, mode: 0o700 });
    for (const name of await fs.readdir(this.#names.directory)) {
      this.#lastInstantMs = Math.max(this.#lastInstantMs, this.#names.parse(name)?.instantMs ?? 0);
    }
    const left = await fs.stat(this.path).catch(() => null);
    if (left !== null && left.size > 0) await fs.rename(this.path, this.#backupPath());
    this.#file = await fs.open(this.path, 'a', 0o600);
    this.#size = left?.size === 0 ? left.size : 0;
  }

  /** Appends bytes as they are. Rejects with what the file system says; nothing is appended twice then. */
  async append(chunk: Buffer): Promise<void> {
    let rest = chunk;
    if (this.#size >= this.#segmentBytes) {
      const newline = rest.lastIndexOf(NEWLINE);
      if (newline !== -1) {
        await this.#write(rest.subarray(0, newline + 1));
        rest = rest.subarray(newline + 1);
        await this.rotate();
      }
    }
    if (rest.length > 0) await this.#write(rest);
  }

  /** Closes the live file under the name of a backup, and begins a new one. */
  async rotate(): Promise<void> {
    await this.close();
    this.#file = await fs.open(this.path, 'a', 0o600);
  }

  /** Closes the live file under the name of a backup: nothing more will come. */
  async close(): Promise<void> {
    await this.#file?.sync();
    await this.#file?.close();
    this.#file = null;
    if (this.#size > 0) await fs.rename(this.path, this.#backupPath());
    else await fs.rm(this.path, { force: true });
    this.#size = 0;
  }

  async sync(): Promise<void> {
    if (!this.#unsynced || this.#file === null) return;
    this.#unsynced = false;
    await this.#file.datasync();
  }

  async #write(bytes: Buffer): Promise<void> {
    const file = this.#file;
    if (file === null) throw new Error('the spool is closed');
    const before = this.#size;
    this.#unsynced = true;
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, at);
        at += bytesWritten;
        this.#size += bytesWritten;
      }
    } catch (error) {
      // A part of it may be there: away with it, since the whole will be appended again.
      await file.truncate(before);
      this.#size = before;
      throw error;
    }
  }

  /** Names go up even where the clock goes back. */
  #backupPath(): string {
    this.#lastInstantMs = Math.max(Date.now(), this.#lastInstantMs + 1);
    return this.#names.path(this.#names.backup(this.#lastInstantMs));
  }
}
