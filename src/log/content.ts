import { createGunzip } from 'node:zlib';
import type { LogFiles } from './files.ts';

type Reading = Pick<LogFiles, 'read'>;

/**
 * The uncompressed bytes of one segment, read forward. `read` gives the number of bytes it put into the buffer; 0 means
 * that there are no more now.
 */
export interface Content {
  read(offset: number, into: Buffer, at: number, length: number): Promise<number>;
  /** Frees what the content itself holds, when the last read of the descriptor is over; that belongs to the segment. */
  close(): Promise<void>;
}

export class PlainContent implements Content {
  readonly #files: Reading;
  readonly #fd: number;

  constructor(files: Reading, fd: number) {
    this.#files = files;
    this.#fd = fd;
  }

  read(offset: number, into: Buffer, at: number, length: number): Promise<number> {
    return this.#files.read(this.#fd, into, at, length, offset);
  }

  async close(): Promise<void> {}
}

/** A compressed backup that ends before its end, or is damaged. What stands before that has been given out. */
export class CorruptGzip extends Error {
  override readonly name = 'CorruptGzip';
}

/** A descriptor could not be read: that says nothing about the gzip file in it. */
class ReadFailure extends Error {
  override readonly name = 'ReadFailure';
}

const STEP = 256 * 1024;

/**
 * A gzip file, unpacked as it is read: never more than a few steps of it are in memory, whatever it unpacks to. Going
 * back starts again from the beginning, and so does reading on after an error.
 */
export class GzipContent implements Content {
  readonly #files: Reading;
  readonly #fd: number;
  #stream: AsyncGenerator<Buffer> | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #offset = 0;

  constructor(files: Reading, fd: number) {
    this.#files = files;
    this.#fd = fd;
  }

  /** Throws `CorruptGzip`, or what reading the file threw. */
  async read(offset: number, into: Buffer, at: number, length: number): Promise<number> {
    if (this.#stream === null || offset < this.#offset) {
      await this.close();
      this.#stream = unpack(this.#files, this.#fd);
      this.#offset = 0;
      this.#rest = Buffer.alloc(0);
    }
    while (true) {
      const skip = Math.min(offset - this.#offset, this.#rest.length);
      this.#take(skip);
      if (this.#rest.length > 0) break;
      const next = await this.#next(this.#stream);
      if (next === null) return 0;
      this.#rest = next;
    }
    const count = this.#rest.copy(into, at, 0, Math.min(length, this.#rest.length));
    this.#take(count);
    return count;
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = null;
    await stream?.return(undefined);
  }

  async #next(stream: AsyncGenerator<Buffer>): Promise<Buffer | null> {
    try {
      const next = await stream.next();
      return next.done === true ? null : next.value;
    } catch (error) {
      this.#stream = null;
      throw error instanceof ReadFailure ? error.cause : error;
    }
  }

  #take(count: number): void {
    this.#rest = this.#rest.subarray(count);
    this.#offset += count;
  }
}

async function* unpack(files: Reading, fd: number): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: STEP });
  const fed = feed(files, fd, gunzip);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof ReadFailure) throw error;
    throw new CorruptGzip(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    gunzip.destroy();
    await fed;
  }
}

/** Reads the file into gunzip, no faster than that takes it. An error goes the same way, so it never rejects. */
async function feed(files: Reading, fd: number, gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  try {
    for (let offset = 0; !gunzip.destroyed; ) {
      const step = Buffer.allocUnsafe(STEP);
      const count = await files.read(fd, step, 0, step.length, offset);
      if (count === 0) break;
      offset += count;
      const { promise, resolve } = Promise.withResolvers<void>();
      gunzip.once('close', resolve);
      gunzip.write(step.subarray(0, count), () => resolve());
      await promise;
      gunzip.off('close', resolve);
    }
    if (!gunzip.destroyed) gunzip.end();
  } catch (error) {
    gunzip.destroy(new ReadFailure('the file could not be read', { cause: error }));
  }
}
