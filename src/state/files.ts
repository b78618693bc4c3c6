import fs from 'node:fs';
import { promisify } from 'node:util';
import { messageOf, systemCode } from '../errors.ts';

/**
 * All that the state asks of the file system. One implementation is real; the fault tests wrap it to let the Nth call
 * fail, or the process die in it. What ends in `Now` blocks the event loop and is for what takes microseconds; the rest
 * runs on other threads. All throw the system's own errors.
 */
export interface StateFiles {
  /** Never follows a symbolic link in the place of the file, and never waits for the other end of a FIFO. */
  open(path: string, flags: 'r' | 'w' | 'wx' | 'a+'): Promise<number>;
  close(fd: number): Promise<void>;
  /** Bytes read into `buffer`, 0 at the end of the file. */
  read(fd: number, buffer: Buffer, position: number): Promise<number>;
  /** Bytes written, which may be fewer than there are in `buffer`. */
  write(fd: number, buffer: Buffer): Promise<number>;
  sync(fd: number): Promise<void>;
  truncate(fd: number, length: number): Promise<void>;
  size(fd: number): Promise<number>;
  /** The same for the same file under another name. */
  inode(fd: number): Promise<bigint>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names in a directory, sorted; none where there is no directory. */
  list(directory: string): Promise<readonly string[]>;
  /** Creates a directory (0700) and the ones above it. */
  makeDirectory(directory: string): Promise<void>;
  openNow(path: string, flags: 'w' | 'a'): number;
  writeNow(fd: number, buffer: Buffer): number;
  closeNow(fd: number): void;
  renameNow(from: string, to: string): void;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const read = promisify(fs.read);
const write = promisify(fs.write);
const sync = promisify(fs.fsync);
const truncate = promisify(fs.ftruncate);

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;

/**
 * Whoever can make names in the state directory could otherwise have a file of somebody else's overwritten, or the agent
 * stand still before a FIFO.
 */
const CAREFUL = O_NOFOLLOW | O_NONBLOCK;

const OPEN_FLAGS = {
  r: O_RDONLY | CAREFUL,
  w: O_WRONLY | O_CREAT | O_TRUNC | CAREFUL,
  wx: O_WRONLY | O_CREAT | O_EXCL | CAREFUL,
  a: O_WRONLY | O_CREAT | O_APPEND | CAREFUL,
  'a+': O_RDWR | O_CREAT | O_APPEND | CAREFUL,
} as const;

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export const REAL_FILES: StateFiles = {
  open: (path, flags) => open(path, OPEN_FLAGS[flags], FILE_MODE),
  close,
  read: async (fd, buffer, position) => (await read(fd, buffer, 0, buffer.length, position)).bytesRead,
  write: async (fd, buffer) => (await write(fd, buffer, 0, buffer.length)).bytesWritten,
  sync,
  truncate,
  size: async (fd) => fs.fstatSync(fd).size,
  inode: async (fd) => fs.fstatSync(fd, { bigint: true }).ino,
  rename: fs.promises.rename,
  remove: fs.promises.unlink,
  async list(directory) {
    try {
      return (await fs.promises.readdir(directory)).sort();
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw error;
    }
  },
  async makeDirectory(directory) {
    await fs.promises.mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  },
  openNow: (path, flags) => fs.openSync(path, OPEN_FLAGS[flags], FILE_MODE),
  writeNow: (fd, buffer) => fs.writeSync(fd, buffer),
  closeNow: fs.closeSync,
  renameNow: fs.renameSync,
};

/** Writes all of `buffer`; throws when the system takes nothing more. */
export async function writeFully(files: StateFiles, fd: number, buffer: Buffer): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const more = await files.write(fd, done === 0 ? buffer : buffer.subarray(done));
    if (more === 0) throw new Error('the system took no bytes');
    done += more;
  }
}

/** The whole of a file, or `null` where it is not there. */
export async function readFully(files: StateFiles, path: string): Promise<Buffer | null> {
  const fd = await openIfThere(files, path);
  if (fd === null) return null;
  return closeAfter(files, fd, async () => {
    const buffer = Buffer.allocUnsafe(await files.size(fd));
    return buffer.subarray(0, await readUpTo(files, fd, buffer, 0));
  });
}

/** Opens a file for reading; `null` where it is not there. */
export async function openIfThere(files: StateFiles, path: string): Promise<number | null> {
  try {
    return await files.open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Fills `buffer` from `position` on as far as the file reaches; gives back the number of bytes. */
export async function readUpTo(files: StateFiles, fd: number, buffer: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const more = await files.read(fd, done === 0 ? buffer : buffer.subarray(done), position + done);
    if (more === 0) break;
    done += more;
  }
  return done;
}

/** Makes names that were created, renamed or removed in a directory durable. */
export async function syncDirectory(files: StateFiles, directory: string): Promise<void> {
  // The state directory itself may be a symbolic link: its administrator made it.
  const fd = await files.open(`${directory}/.`, 'r');
  await closeAfter(files, fd, () => files.sync(fd));
}

/** Removes a file that may be gone already. */
export async function removeIfThere(files: StateFiles, path: string): Promise<void> {
  try {
    await files.remove(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** Runs `use` and closes `fd` whatever comes of it. */
export async function closeAfter<T>(files: StateFiles, fd: number, use: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await use();
  } catch (error) {
    return undoAndThrow(error, () => files.close(fd));
  }
  await files.close(fd);
  return result;
}

/** Puts back what a failed operation left behind, and throws its error: with the second one, if that fails as well. */
export async function undoAndThrow(error: unknown, undo: () => Promise<void>): Promise<never> {
  try {
    await undo();
  } catch (second) {
    throw Object.assign(new AggregateError([error, second], messageOf(error), { cause: second }), {
      code: systemCode(error),
    });
  }
  throw error;
}
