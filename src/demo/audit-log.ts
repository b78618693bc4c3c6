import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

export interface AuditLogOptions {
  /** The live file, `…/audit.log`. */
  readonly path: string;
  /** A line that would take the file past this size goes into a new file. Infinite where not set. */
  readonly maxSizeBytes?: number;
  /** So many backups are kept; all where not set. */
  readonly maxBackups?: number;
  /** Whether backups are compressed. */
  readonly compress?: boolean;
  /** Whether backups are compressed and deleted by themselves after a rotation; else by `mill()`. */
  readonly millByItself?: boolean;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Writes a log as the API server does (natefinch/lumberjack 2.2.1): one `write(2)` a line, and a rotation that happens
 * inside a write: close, stat, rename to `audit-<UTC time>.log`, create with the mode of the old file, truncate. What
 * becomes of the backups (compression into a `.gz` that grows beside the plain file, deletion of the oldest) happens a
 * little later and on its own.
 */
export class AuditLog {
  readonly path: string;
  readonly #options: AuditLogOptions;
  readonly #now: () => number;
  #file: number;
  #size: number;
  #lastBackupMs = 0;
  #milling: Promise<void> = Promise.resolve();
  #rotations = 0;
  #bytes = 0;
  #lines = 0;

  constructor(options: AuditLogOptions) {
    this.path = options.path;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    this.#file = openSync(this.path, 'a', 0o600);
    this.#size = fstatSync(this.#file).size;
  }

  /** Rotations made, bytes and writes since this object was made. */
  get rotations(): number {
    return this.#rotations;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Writes one line (or any bytes) with one write, after a rotation where the file would become too large. */
  write(line: Buffer | string): void {
    const bytes = typeof line === 'string' ? Buffer.from(line) : line;
    const limit = this.#options.maxSizeBytes ?? Number.POSITIVE_INFINITY;
    if (this.#size > 0 && this.#size + bytes.length > limit) this.rotate();
    const written = writeSync(this.#file, bytes);
    if (written !== bytes.length) throw new Error(`wrote ${written} of ${bytes.length} bytes to ${this.path}`);
    this.#size += written;
    this.#bytes += written;
    this.#lines += 1;
  }

  /** Moves the live file aside and starts a new one. Returns the name of the backup. */
  rotate(): string {
    closeSync(this.#file);
    const backup = join(dirname(this.path), this.#backupName());
    const { mode } = statSync(this.path);
    renameSync(this.path, backup);
    closeSync(openSync(this.path, 'w', mode & 0o777));
    // Opened without O_APPEND, which is why an external copytruncate leaves NUL bytes at its head.
    this.#file = openSync(this.path, 'r+');
    ftruncateSync(this.#file);
    this.#size = 0;
    this.#rotations += 1;
    if (this.#options.millByItself !== false) void this.mill();
    return backup;
  }

  /** Backups, oldest first, compressed or not. */
  backups(): readonly string[] {
    const extension = extname(this.path);
    const prefix = `${basename(this.path, extension)}-`;
    return readdirSync(dirname(this.path))
      .filter((name) => name.startsWith(prefix) && (name.endsWith(extension) || name.endsWith(`${extension}.gz`)))
      .sort();
  }

  /** Deletes the backups that are too many and compresses the others; one run at a time. */
  mill(): Promise<void> {
    this.#milling = this.#milling.then(() => this.#millOnce());
    return this.#milling;
  }

  /** Closes the file when compression and deletion have come to rest. */
  async close(): Promise<void> {
    await this.#milling;
    closeSync(this.#file);
  }

  /** Stops as kill -9 would: at once, in the middle of whatever it was. */
  abandon(): void {
    closeSync(this.#file);
  }

  /** UTC, to the millisecond. Two rotations in one millisecond would overwrite a backup; here the second one waits. */
  #backupName(): string {
    this.#lastBackupMs = Math.max(this.#now(), this.#lastBackupMs + 1);
    const extension = extname(this.path);
    const time = new Date(this.#lastBackupMs).toISOString().slice(0, -1).replaceAll(':', '-');
    return `${basename(this.path, extension)}-${time}${extension}`;
  }

  async #millOnce(): Promise<void> {
    const directory = dirname(this.path);
    // A backup and its growing .gz count once.
    const plain = [...new Set(this.backups().map((name) => name.replace(/\.gz$/, '')))];
    const keep = this.#options.maxBackups ?? plain.length;
    for (const name of plain.slice(0, Math.max(0, plain.length - keep))) {
      rmSync(join(directory, name), { force: true });
      rmSync(join(directory, `${name}.gz`), { force: true });
    }
    if (this.#options.compress !== true) return;
    for (const name of this.backups().filter((candidate) => !candidate.endsWith('.gz'))) {
      const from = join(directory, name);
      await pipeline(
        createReadStream(from),
        // Go's gzip writer hands on about 240 bytes at a time: the file is seen to grow.
        createGzip({ chunkSize: 240 }),
        createWriteStream(`${from}.gz`, { mode: 0o600 }),
      );
      rmSync(from);
    }
  }
}
