import { FIELDS } from './field.ts';
import { kernel, managedNotes, memory, NOTE_WORDS, words } from './kernel.ts';

const NEWLINE = 10;
const NOTE_BYTES = NOTE_WORDS * 4;
/** Of a row: where its line starts and ends, what is known of it, the first of its notes on managed fields, how many. */
const START = 0;
const END = 1;
const KNOWN = 2;
const FIRST_NOTE = 3;
const NOTES = 4;
/** That the kernel is sure of the line, and that every byte of it is below 0x80. */
const SURE = 1;
const ASCII = 2;

const NOTHING = Buffer.alloc(0);
const aheadStart = kernel.AHEAD.value;
const aheadBytes = kernel.AHEAD_BYTES.value;
const rowHead = kernel.ROW_HEAD.value;
const rowWords = rowHead + FIELDS.length * 2;
const rows = words(kernel.ROWS.value, kernel.MAX_ROWS.value * rowWords);
/** Counts what the kernel was given: the last of it is what its memory holds. */
let given = 0;

/** What the spans that `take` gives are places in. */
export const SPANS_AHEAD = rows;

/**
 * Lines that are scanned in one go before they are read one after the other: calls and copies for each of them alone cost
 * half as much again as its scan. What it says holds until the bytes change, or until another one looks ahead.
 */
export class LinesAhead {
  #bytes: Buffer = NOTHING;
  #given = -1;
  /** Where the first byte that the kernel was given stands in the buffer. */
  #from = 0;
  /** The row of the next line, and the end of the rows, as places in `rows`. */
  #next = 0;
  #end = 0;

  /** Scans the lines in `[start, end)`, of which the last need not have its newline: `most` bytes of whole lines, if that many. */
  look(bytes: Buffer, start: number, end: number, most: number): void {
    const limit = Math.min(most, aheadBytes);
    const to = end - start > limit ? bytes.lastIndexOf(NEWLINE, start + limit - 1) + 1 : end;
    this.#next = 0;
    this.#end = 0;
    if (to <= start) return;
    memory.set(bytes.subarray(start, to), aheadStart);
    memory[aheadStart + to - start] = 0;
    this.#end = kernel.scanAhead(to - start, start, FIELDS.length) * rowWords;
    this.#bytes = bytes;
    this.#from = start;
    given += 1;
    this.#given = given;
  }

  /** Lets go of the bytes, and knows no line any more. */
  release(): void {
    this.#bytes = NOTHING;
    this.#next = 0;
    this.#end = 0;
  }

  /** Where the next line ends, which starts at `start`; -1 where that is not known. */
  lineEnd(start: number): number {
    const row = this.#next;
    return row < this.#end && rows[row] === start && this.#given === given ? (rows[row + END] as number) : -1;
  }

  /** Where in `SPANS_AHEAD` the spans of the line stand; -1 where there are none. It and all before it are left behind. */
  take(bytes: Buffer, start: number, end: number): number {
    while (this.#next < this.#end && (rows[this.#next] as number) <= start) {
      const row = this.#next;
      this.#next += rowWords;
      if (rows[row] !== start) continue;
      const isSure = ((rows[row + KNOWN] as number) & SURE) !== 0;
      return isSure && rows[row + END] === end && bytes === this.#bytes && this.#given === given ? row + rowHead : -1;
    }
    return -1;
  }

  /** Whether it is known of a line that `take` gave that it holds bytes below 0x80 only. */
  isAscii(spans: number): boolean {
    return ((rows[spans - rowHead + KNOWN] as number) & ASCII) !== 0;
  }

  /** `findMarks` of such a line; -1 where the kernel holds it no longer. */
  marks(spans: number): number {
    if (this.#given !== given) return -1;
    const row = spans - rowHead;
    const start = rows[row + START] as number;
    return kernel.marks(aheadStart + start - this.#from, (rows[row + END] as number) - start);
  }

  /** `Event.managedFields` of such a line. */
  managedFields(spans: number): Int32Array | null {
    if (this.#given !== given) return null;
    const row = spans - rowHead;
    const first = kernel.MANAGED_AHEAD.value + (rows[row + FIRST_NOTE] as number) * NOTE_BYTES;
    return managedNotes(first, rows[row + NOTES] as number);
  }
}
