import { createGunzip } from 'node:zlib';
import type { LogFiles } from './files.ts';

/**
 * The uncompressed bytes of one segment, read forward. `read` gives the number of bytes it put into the buffer; 0 means
 * that there are no more now.
 */
export interface Content {
  read(offset: number, into: Buffer, at: number, length: number): Promise<number>;
  /** Frees what the content itself holds; the descriptor belongs to the segment. */
  close(): void;
}

export class PlainContent implements Content {
  readonly #files: LogFiles;
  readonly #fd: number;

  constructor(files: LogFiles, fd: number) {
    this.#files = files;
    this.#fd = fd;
  }

  read(offset: number, into: Buffer, at: number, length: number): Promise<number> {
    return this.#files.read(this.#fd, into, at, length, offset);
  }

  close(): void {}
}

/** A compressed backup that ends before its end, or is damaged. What stands before that has been given out. */
export class CorruptGzip extends Error {
  override readonly name = 'CorruptGzip';
}

const COMPRESSED_STEP = 256 * 1024;

/**
 * A gzip file, unpacked as it is read: never more than a step of it is in memory, whatever it unpacks to. Going back
 * starts again from the beginning.
 */
export class GzipContent implements Content {
  readonly #files: LogFiles;
  readonly #fd: number;
  #stream: AsyncGenerator<Buffer> | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #offset = 0;

  constructor(files: LogFiles, fd: number) {
    this.#files = files;
    this.#fd = fd;
  }

  async read(offset: number, into: Buffer, at: number, length: number): Promise<number> {
    if (this.#stream === null || offset < this.#offset) {
      this.close();
      this.#stream = unpack(this.#files, this.#fd);
      this.#offset = 0;
      this.#rest = Buffer.alloc(0);
    }
    while (true) {
      const skip = Math.min(offset - this.#offset, this.#rest.length);
      this.#take(skip);
      if (this.#rest.length > 0) break;
      const next = await this.#stream.next();
      if (next.done === true) return 0;
      this.#rest = next.value;
    }
    const count = this.#rest.copy(into, at, 0, Math.min(length, this.#rest.length));
    this.#take(count);
    return count;
  }

  close(): void {
    // A generator that waits for the gunzip stream is ended with it; there is nobody left to tell.
    this.#stream?.return(undefined).then(undefined, () => undefined);
    this.#stream = null;
  }

  #take(count: number): void {
    this.#rest = this.#rest.subarray(count);
    this.#offset += count;
  }
}

async function* unpack(files: LogFiles, fd: number): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  const feed = feedGunzip(files, fd, gunzip);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
    await feed;
  } catch (error) {
    throw new CorruptGzip(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    gunzip.destroy();
    await feed;
  }
}

async function feedGunzip(files: LogFiles, fd: number, gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  try {
    for (let offset = 0; !gunzip.destroyed; ) {
      const step = Buffer.allocUnsafe(COMPRESSED_STEP);
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
    gunzip.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
