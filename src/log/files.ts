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

const open = promisify(fs.open);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);

/** The operations on files that following a log takes: one place, so that tests can make the Nth one fail. */
export interface LogFiles {
  list(directory: string): Promise<string[]>;
  /** Opens for reading only, and never a FIFO or a device: those could block or have side effects. */
  open(path: string): Promise<number>;
  close(fd: number): Promise<void>;
  facts(fd: number): Promise<FileFacts>;
  /** Follows symbolic links. `null` where there is no such file. */
  factsOf(path: string): Promise<FileFacts | null>;
  read(fd: number, into: Buffer, at: number, length: number, offset: number): Promise<number>;
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
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
  read: (fd, into, at, length, offset) =>
    new Promise((resolve, reject) => {
      fs.read(fd, into, at, length, offset, (error, count) => (error === null ? resolve(count) : reject(error)));
    }),
  link: (from, to) => fs.promises.link(from, to),
  unlink: (path) => fs.promises.unlink(path),
  makeDirectory: async (path) => {
    await fs.promises.mkdir(path, { recursive: true, mode: 0o700 });
  },
  space: async (path) => {
    const { bavail, blocks, bsize } = await fs.promises.statfs(path);
    return { free: bavail * bsize, total: blocks * bsize };
  },
};

export function isMissing(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function sameFile(a: FileKey, b: FileKey): boolean {
  return a.ino === b.ino && a.dev === b.dev;
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
