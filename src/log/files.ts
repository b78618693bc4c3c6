import * as fs from 'node:fs';
import { promisify } from 'node:util';

/** Identity of a file as the kernel knows it, as long as it is open or linked: a hint, since numbers come back. */
export interface FileKey {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface FileFacts extends FileKey {
  readonly size: number;
  readonly links: number;
  readonly regular: boolean;
  readonly mtimeMs: number;
}

/** What stands under a name itself, be it only a symbolic link. */
export interface NameFacts extends FileKey {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);

/** The operations on files that following a log takes: one place, so that tests can make the Nth one fail. */
export interface LogFiles {
  list(directory: string): Promise<string[]>;
  /** Opens for reading only, without waiting for the other end of a FIFO. */
  open(path: string): Promise<number>;
  close(fd: number): Promise<void>;
  facts(fd: number): Promise<FileFacts>;
  /** Follows symbolic links. `null` where there is no such file. */
  factsOf(path: string): Promise<FileFacts | null>;
  /** Does not follow a symbolic link. `null` where there is nothing under the name. */
  factsOfName(path: string): Promise<NameFacts | null>;
  read(fd: number, into: Buffer, at: number, length: number, offset: number): Promise<number>;
  /** Gives a file a second name; where `from` is a symbolic link, the file that it leads to. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes one directory, for its owner only; none above it. It may be there already. */
  makeDirectory(path: string): Promise<void>;
  /** Bytes free to unprivileged users and bytes in all, of the filesystem that holds the path. */
  space(path: string): Promise<{ free: number; total: number }>;
}

export const LOG_FILES: LogFiles = {
  list: (directory) => fs.promises.readdir(directory),
  open: (path) => open(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY),
  close: (fd) => close(fd),
  facts: async (fd) => toFacts(await fstat(fd, { bigint: true })),
  factsOf: async (path) => {
    try {
      return toFacts(await fs.promises.stat(path, { bigint: true }));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  factsOfName: async (path) => {
    try {
      const stats = await fs.promises.lstat(path, { bigint: true });
      return {
        dev: stats.dev,
        ino: stats.ino,
        kind: kindOf(stats),
        uid: Number(stats.uid),
        mode: Number(stats.mode) & 0o7777,
      };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  read: (fd, into, at, length, offset) =>
    new Promise((resolve, reject) => {
      fs.read(fd, into, at, length, offset, (error, count) => (error === null ? resolve(count) : reject(error)));
    }),
  // link(2) links a symbolic link itself, which would keep nothing alive.
  link: async (from, to) => fs.promises.link(await fs.promises.realpath(from), to),
  unlink: (path) => fs.promises.unlink(path),
  makeDirectory: async (path) => {
    try {
      await fs.promises.mkdir(path, { mode: 0o700 });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  },
  space: async (path) => {
    const { bavail, blocks, bsize } = await fs.promises.statfs(path);
    return { free: bavail * bsize, total: blocks * bsize };
  },
};

/** A name of the log behind which there is a FIFO, a device or a directory. */
export class IrregularFile extends Error {
  override readonly name = 'IrregularFile';

  constructor(path: string) {
    super(`${path} is no regular file`);
  }
}

/**
 * Opens a regular file. Throws `IrregularFile` for any other: opening a FIFO could block, opening a device have side
 * effects.
 */
export async function openRegular(
  files: LogFiles,
  path: string,
): Promise<{ readonly fd: number; readonly facts: FileFacts }> {
  const before = await files.factsOf(path);
  if (before === null) throw missing(path);
  if (!before.regular) throw new IrregularFile(path);
  const fd = await files.open(path);
  try {
    const facts = await files.facts(fd);
    if (!facts.regular) throw new IrregularFile(path);
    return { fd, facts };
  } catch (error) {
    await files.close(fd);
    throw error;
  }
}

/** The error of a file that is not there. */
export function missing(path: string): Error {
  return Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' });
}

/** The error's code as the file system gives it; empty where there is none. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function sameFile(a: FileKey, b: FileKey): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

function kindOf(stats: fs.BigIntStats): NameFacts['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

function toFacts(stats: fs.BigIntStats): FileFacts {
  return {
    dev: stats.dev,
    ino: stats.ino,
    size: Number(stats.size),
    links: Number(stats.nlink),
    regular: stats.isFile(),
    mtimeMs: Number(stats.mtimeMs),
  };
}
