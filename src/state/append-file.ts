import { readUpTo, undoAndThrow, writeFully } from './files.ts';
import type { StateFiles } from './files.ts';

/**
 * A file that only grows, by whole records: what an append could not complete is cut off again, at once where the
 * system lets us, otherwise before the next append.
 */
export class AppendFile {
  readonly path: string;
  readonly #files: StateFiles;
  readonly #fd: number;
  #size: number;
  /** Whether bytes may stand behind `#size` that belong to no whole record. */
  #dirty = false;

  private constructor(path: string, files: StateFiles, fd: number, size: number) {
    this.path = path;
    this.#files = files;
    this.#fd = fd;
    this.#size = size;
  }

  /** Opens a file, or creates it (0600), and forces what stands in it to disk: whoever reads it may rely on it. */
  static async open(path: string, files: StateFiles): Promise<AppendFile> {
    const fd = await files.open(path, 'a+');
    try {
      await files.sync(fd);
      return new AppendFile(path, files, fd, await files.size(fd));
    } catch (error) {
      return undoAndThrow(error, () => files.close(fd));
    }
  }

  /** Bytes of whole records. */
  get size(): number {
    return this.#size;
  }

  /** Runs `write`, which appends through the function that it is given, and forces the result to disk. */
  async append(write: (put: (bytes: Buffer) => Promise<void>) => Promise<void>): Promise<void> {
    await this.mend();
    this.#dirty = true;
    let size = this.#size;
    try {
      await write(async (bytes) => {
        await writeFully(this.#files, this.#fd, bytes);
        size += bytes.length;
      });
      await this.#files.sync(this.#fd);
    } catch (error) {
      return undoAndThrow(error, () => this.cut(this.#size));
    }
    this.#size = size;
    this.#dirty = false;
  }

  /** Cuts off what a failed append left, where it could not be cut off then. */
  async mend(): Promise<void> {
    if (this.#dirty) await this.cut(this.#size);
  }

  /** Shortens the file to its first `size` bytes, durably. */
  async cut(size: number): Promise<void> {
    await this.#files.truncate(this.#fd, size);
    await this.#files.sync(this.#fd);
    this.#size = size;
    this.#dirty = false;
  }

  /** Fills `buffer` from `position` on, as far as the file reaches; gives back the number of bytes. */
  read(buffer: Buffer, position: number): Promise<number> {
    return readUpTo(this.#files, this.#fd, buffer, position);
  }

  async close(): Promise<void> {
    await this.#files.close(this.#fd);
  }
}
