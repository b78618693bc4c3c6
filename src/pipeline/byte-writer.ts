import { writeVarint } from '../varint.ts';

/** Below this, a call into the runtime costs more than to write byte by byte. */
const SHORT = 96;

/** A byte buffer that grows, with the few kinds of write that encoders need. Positions count from its beginning. */
export class ByteWriter {
  bytes: Buffer<ArrayBuffer>;
  length = 0;

  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Empties it; memory beyond twice the capacity it began with is given back. */
  reset(): void {
    this.length = 0;
    if (this.bytes.length > this.#capacity * 2) this.bytes = Buffer.allocUnsafeSlow(this.#capacity);
  }

  /** Makes room for `more` bytes; the content stays. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    // Nobody else has seen it, so it need not wait for the garbage collector: of a long line that is a lot.
    this.bytes.buffer.transfer(0);
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  copy(source: Buffer, start = 0, end = source.length): void {
    const count = end - start;
    this.reserve(count);
    const { bytes, length } = this;
    if (count > SHORT) source.copy(bytes, length, start, end);
    else for (let at = 0; at < count; at += 1) bytes[length + at] = source[start + at] as number;
    this.length = length + count;
  }

  /** The first `count` characters of a text of which every one is below U+0100, one byte each. */
  latin1(text: string, count = text.length): void {
    this.reserve(count);
    const { bytes, length } = this;
    if (count > SHORT) bytes.write(text, length, count, 'latin1');
    else for (let at = 0; at < count; at += 1) bytes[length + at] = text.charCodeAt(at);
    this.length = length + count;
  }

  utf8(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  /** Protocol Buffers base-128 varint of a whole number up to 2^53. */
  varint(value: number): void {
    this.reserve(8);
    this.length = writeVarint(this.bytes, this.length, value);
  }
}
