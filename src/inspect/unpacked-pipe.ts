import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, systemCode } from '../errors.ts';

/** How gzip begins (RFC 1952). */
export const GZIP = Buffer.from([0x1f, 0x8b]);

/** The bytes of a pipe, which are unpacked where they begin as gzip does. */
export class UnpackedPipe {
  readonly #input: AsyncIterator<Buffer | string>;
  /** Why what came after could not be unpacked; null where all could. */
  failure: string | null = null;

  constructor(input: AsyncIterable<Buffer | string>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  async *chunks(): AsyncGenerator<Buffer> {
    let head = Buffer.alloc(0);
    while (head.length < GZIP.length) {
      const { done, value } = await this.#input.next();
      if (done === true) break;
      head = Buffer.concat([head, bytesOf(value)]);
    }
    if (head.subarray(0, GZIP.length).equals(GZIP)) yield* this.#unpacked(head);
    else yield* this.#whole(head);
  }

  async *#whole(head: Buffer): AsyncGenerator<Buffer> {
    yield head;
    for await (const chunk of { [Symbol.asyncIterator]: () => this.#input }) yield bytesOf(chunk);
  }

  async *#unpacked(head: Buffer): AsyncGenerator<Buffer> {
    const gunzip = createGunzip();
    pipeline(Readable.from(this.#whole(head)), gunzip, () => {
      // How it ended is seen by whoever reads what is unpacked.
    });
    try {
      for await (const chunk of gunzip) yield chunk as Buffer;
    } catch (error) {
      if (!systemCode(error).startsWith('Z_')) throw error;
      this.failure = `cannot be unpacked from here on: ${messageOf(error)}`;
    }
  }
}

function bytesOf(chunk: Buffer | string): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
}
