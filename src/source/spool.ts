import * as fs from 'node:fs/promises';
import { basename } from 'node:path';
import { LogNames } from '../log/file-name.ts';

const NEWLINE = 10;
const STEP = 64 * 1024;

/** What a spool does with files, so that a test can make the Nth call fail. */
export type SpoolFiles = Pick<typeof fs, 'mkdir' | 'readdir' | 'open' | 'rename' | 'rm' | 'stat'>;

export interface SpoolOptions {
  /** The live file. */
  readonly path: string;
  /** A file is closed at the first line end behind so many bytes. */
  readonly segmentBytes: number;
  /** Whether anything is forced to disk at all. */
  readonly durable?: boolean;
  readonly files?: SpoolFiles;
}

/** A moment in the life of a spool: what was the newest backup, and how long the live file. */
export interface SpoolMark {
  readonly instantMs: number;
  readonly size: number;
}

/** What an earlier run left. */
export interface Found {
  /** Whether it ended without closing the spool: it was killed, or the machine was. */
  readonly unclean: boolean;
  /** Bytes of a last line that has no end. */
  readonly tornBytes: number;
}

/**
 * The files in which bytes wait that stand in no file of the API server: written as they come, rotated at line ends as
 * the API server's own log is, and followed like any log. One writer; kill -9 loses nothing that was written, a power
 * failure at most what came since the last `sync`. Whatever rejects can be called again: nothing is written twice, and
 * nothing is left out.
 */
export class Spool {
  readonly path: string;
  readonly #names: LogNames;
  readonly #segmentBytes: number;
  readonly #durable: boolean;
  readonly #files: SpoolFiles;
  #found: { unclean: boolean; tornBytes: number } | null = null;
  #file: fs.FileHandle | null = null;
  /** Bytes of the live file that count; more of them are there where a write failed half-way and could not be undone. */
  #size = 0;
  #undone = true;
  #atLineEnd = true;
  #lastInstantMs = 0;
  #unsynced = false;
  /** Whether names were made or changed that are not on disk for certain. */
  #namesUnsynced = false;

  constructor({ path, segmentBytes, durable = true, files = fs }: SpoolOptions) {
    this.path = path;
    this.#files = files;
    this.#names = new LogNames(path);
    this.#segmentBytes = segmentBytes;
    this.#durable = durable;
  }

  /** Bytes of the live file. */
  get size(): number {
    return this.#size;
  }

  /** Whether the live file has had its size, and ends with a line. */
  get isDue(): boolean {
    return this.#size >= this.#segmentBytes && this.#atLineEnd;
  }

  /** Instant in the name of the newest backup; 0 where there has been none. */
  get lastInstantMs(): number {
    return this.#lastInstantMs;
  }

  /**
   * Takes over what an earlier run left. A torn last line is kept where its rest may still come (the next bytes follow on
   * it), and cut off where whoever sent it knows that it was not taken. What is whole becomes a file of its own, unless
   * the live file is to be continued in any case.
   */
  async open(tornLine: 'keep' | 'cut' | 'continue'): Promise<Found> {
    const found = this.#found ?? (await this.#find());
    try {
      this.#file ??= await this.#openLive();
      this.#size = (await this.#file.stat()).size;
      const tornBytes = await tornBytesOf(this.#file, this.#size);
      found.tornBytes ||= tornBytes;
      if (tornBytes > 0 && tornLine === 'cut') {
        await this.#file.truncate(this.#size - tornBytes);
        this.#size -= tornBytes;
      }
      this.#atLineEnd = tornBytes === 0 || tornLine === 'cut';
      if (this.#atLineEnd && tornLine !== 'continue') await this.rotate();
      return found;
    } catch (error) {
      await this.#letGo();
      throw error;
    }
  }

  /**
   * Appends bytes as they are, up to the end of the last line that belongs into the live file: gives how many it took.
   * The rest is for the next call, which begins a new file.
   */
  async append(chunk: Buffer): Promise<number> {
    if (this.isDue) await this.rotate();
    this.#file ??= await this.#openLive();
    const newline = this.#size + chunk.length >= this.#segmentBytes ? chunk.lastIndexOf(NEWLINE) : -1;
    const bytes = newline === -1 ? chunk : chunk.subarray(0, newline + 1);
    const taken = await this.#write(this.#file, bytes);
    if (taken > 0) this.#atLineEnd = bytes[taken - 1] === NEWLINE;
    return taken;
  }

  /**
   * How many bytes have been appended since the live file had a size, at a time when the newest backup was of an
   * instant. To be asked before `open`. A file that is gone by now had been closed at that size.
   */
  async appendedSince({ instantMs, size }: SpoolMark): Promise<number> {
    await this.#find();
    const names = await this.#files.readdir(this.#names.directory);
    const later = names
      .map((name) => ({ name, instantMs: this.#names.parse(name)?.instantMs ?? 0 }))
      .filter((backup) => backup.instantMs > instantMs);
    const live = names.includes(basename(this.path)) ? [{ name: basename(this.path), instantMs: Infinity }] : [];
    let sum = 0;
    for (const { name } of [...later, ...live]) sum += (await this.#files.stat(this.#names.path(name))).size;
    const first =
      later.length > 0 ? later.reduce((one, other) => (one.instantMs < other.instantMs ? one : other)) : live[0];
    if (first === undefined) return 0;
    const { size: firstSize } = await this.#files.stat(this.#names.path(first.name));
    return sum - (firstSize >= size ? size : 0);
  }

  /** By which `appendedSince` knows this moment again. */
  get mark(): SpoolMark {
    return { instantMs: this.#lastInstantMs, size: this.#size };
  }

  /** Appends bytes to the live file, or nothing of them. It does not rotate by itself. */
  async appendWhole(lines: Buffer): Promise<void> {
    this.#file ??= await this.#openLive();
    const before = this.#size;
    try {
      for (let at = 0; at < lines.length; ) at += await this.#write(this.#file, lines.subarray(at));
      if (lines.length > 0) this.#atLineEnd = lines.at(-1) === NEWLINE;
    } catch (error) {
      await this.takeBack(before);
      throw error;
    }
  }

  /** Cuts the live file off at a size that it had: what came behind was not acknowledged, and will come again. */
  async takeBack(size: number): Promise<void> {
    this.#size = size;
    this.#undone = false;
    // What fails here is done before the next write.
    if (this.#file !== null) await this.#undo(this.#file).then(undefined, () => undefined);
  }

  /** Closes the live file under the name of a backup, and begins a new one. */
  async rotate(): Promise<void> {
    await this.#finish();
    this.#file ??= await this.#openLive();
    await this.#syncNames();
  }

  /** Closes the live file under the name of a backup: nothing more will come. */
  async close(): Promise<void> {
    try {
      await this.#finish();
    } finally {
      await this.#letGo();
    }
    await this.#files.rm(this.path, { force: true });
    await this.#syncNames();
  }

  /** Lets go of the live file, with a line in it that may have no end yet: whoever opens the spool next goes on there. */
  async leave(): Promise<void> {
    try {
      await this.sync();
    } finally {
      await this.#letGo();
    }
  }

  /** Forces to disk what has been written. */
  async sync(): Promise<void> {
    await this.#syncNames();
    const file = this.#file;
    if (!this.#durable || !this.#unsynced || file === null) return;
    this.#unsynced = false;
    try {
      await file.datasync();
    } catch (error) {
      this.#unsynced = true;
      throw error;
    }
  }

  async #find(): Promise<{ unclean: boolean; tornBytes: number }> {
    await this.#files.mkdir(this.#names.directory, { recursive: true, mode: 0o700 });
    const names = await this.#files.readdir(this.#names.directory);
    for (const name of names) {
      this.#lastInstantMs = Math.max(this.#lastInstantMs, this.#names.parse(name)?.instantMs ?? 0);
    }
    this.#found = { unclean: names.includes(basename(this.path)), tornBytes: 0 };
    return this.#found;
  }

  async #finish(): Promise<void> {
    if (this.#size === 0) return;
    // Let go of by a call that failed, it may hold a part of a write still.
    if (!this.#undone) this.#file ??= await this.#openLive();
    if (this.#file !== null) {
      await this.#undo(this.#file);
      if (this.#durable) await this.#file.sync();
      await this.#letGo();
    }
    await this.#files.rename(this.path, this.#backupPath());
    this.#namesUnsynced = true;
    this.#size = 0;
    this.#atLineEnd = true;
    this.#unsynced = false;
  }

  /** Also where something failed: whoever owns the spool may never call again, and Node.js 26 throws for a handle it finds. */
  async #letGo(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  async #openLive(): Promise<fs.FileHandle> {
    this.#namesUnsynced = true;
    return this.#files.open(this.path, 'a+', 0o600);
  }

  async #syncNames(): Promise<void> {
    if (!this.#namesUnsynced || !this.#durable) return;
    const directory = await this.#files.open(this.#names.directory, 'r');
    try {
      await directory.sync();
      this.#namesUnsynced = false;
    } finally {
      await directory.close();
    }
  }

  /** Gives how many bytes were written where that is known, though they may be fewer than all: a disk that gets full. */
  async #write(file: fs.FileHandle, bytes: Buffer): Promise<number> {
    await this.#undo(file);
    let at = 0;
    try {
      this.#unsynced = true;
      this.#undone = false;
      while (at < bytes.length) at += (await file.write(bytes, at)).bytesWritten;
      this.#undone = true;
    } catch (error) {
      if (at === 0) throw error;
    }
    this.#size += at;
    return at;
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

async function tornBytesOf(file: fs.FileHandle, size: number): Promise<number> {
  const step = Buffer.allocUnsafe(STEP);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - STEP);
    const { bytesRead } = await file.read(step, 0, end - start, start);
    const newline = step.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline !== -1) return size - (start + newline + 1);
    end = start;
  }
  return size;
}
