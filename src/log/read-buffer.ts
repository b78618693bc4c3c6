import { MARK_BYTES } from './identity.ts';

export const READ_BYTES = 1024 * 1024;
const USUAL_BYTES = READ_BYTES + MARK_BYTES;
const NEWLINE = 10;

/**
 * Bytes of a segment between what has been given out and what has been read, with a little of what stood before them:
 * by that history a place in the file is known again. It grows for a long line, and shrinks after it.
 */
export class ReadBuffer {
  bytes = Buffer.allocUnsafeSlow(USUAL_BYTES);
  /** Index of the first byte not given out, and of the first one that is free. */
  start = 0;
  filled = 0;
  readonly #maxLineBytes: number;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Bytes that have been read and not given out. */
  get left(): number {
    return this.filled - this.start;
  }

  get room(): number {
    return this.bytes.length - this.filled;
  }

  /** Begins anew behind some history, which stands before the first byte to be read. */
  begin(history: Buffer): void {
    this.shrink();
    history.copy(this.bytes, 0);
    this.start = history.length;
    this.filled = history.length;
  }

  /** Forgets all, and gives a large buffer back. */
  shrink(): void {
    this.start = 0;
    this.filled = 0;
    if (this.bytes.length > USUAL_BYTES) this.bytes = Buffer.allocUnsafeSlow(USUAL_BYTES);
  }

  /** Moves what is left over, and the history before it, to the front; resizes where that is called for. */
  makeRoom(): void {
    const keepFrom = Math.max(0, this.start - MARK_BYTES);
    const { left } = this;
    const needed = left > READ_BYTES / 2 ? left * 2 + MARK_BYTES : USUAL_BYTES;
    if (needed > this.bytes.length || (this.bytes.length > USUAL_BYTES && needed === USUAL_BYTES)) {
      const resized = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, USUAL_BYTES), this.#maxLineBytes + USUAL_BYTES));
      this.bytes.copy(resized, 0, keepFrom, this.filled);
      // What was given out of it is valid no longer, so it need not wait for the garbage collector.
      this.bytes.buffer.transfer(0);
      this.bytes = resized;
    } else if (keepFrom > 0) this.bytes.copyWithin(0, keepFrom, this.filled);
    this.start -= keepFrom;
    this.filled -= keepFrom;
  }

  /** The last bytes that have been read, given out or not: what must stand in the file right before the next read. */
  history(upTo = this.filled): Buffer {
    return this.bytes.subarray(Math.max(0, upTo - MARK_BYTES), upTo);
  }

  /** NUL bytes where a line should begin. */
  leadingNuls(): number {
    let at = this.start;
    while (at < this.filled && this.bytes[at] === 0) at += 1;
    return at - this.start;
  }

  /** Index behind the last line end that was not there before the bytes from `from` on were read; `null` where there is none. */
  linesEnd(from: number): number | null {
    // Only what is new is searched: searching a long line again after each read would take quadratic time.
    const newline = this.bytes.subarray(from, this.filled).lastIndexOf(NEWLINE);
    return newline === -1 ? null : from + newline + 1;
  }
}
