import { ByteWriter } from './byte-writer.ts';

/** A contiguous range `[from, to)` of one segment, in bytes of its uncompressed content. */
export interface Range {
  readonly segment: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The encoded events of one range of the log that the filter let through. Items stand one behind the other in `bytes`,
 * in the order of the log; what stands between an item's start and end is the output's own encoding, and somewhere in
 * it stands the event itself, which is what a dead letter keeps.
 */
export interface Batch {
  /** Names the range: the same for every sending of it, in this run and after a crash. 32 hexadecimal digits. */
  readonly key: string;
  readonly source: string;
  readonly range: Range;
  readonly bytes: Buffer;
  readonly count: number;
  itemStart(item: number): number;
  itemEnd(item: number): number;
  eventStart(item: number): number;
  eventEnd(item: number): number;
  /** Byte offset of the event's line in its segment. */
  lineOffset(item: number): number;
  /** Bytes of that line with its end: what the account is kept in. */
  lineBytes(item: number): number;
  /** What the encoder noted with `tag`: for Loki the number of the stream. 0 where nothing was. */
  tag(item: number): number;
}

/** Some items of a batch, in order: what one request carries. */
export interface Part {
  readonly batch: Batch;
  /** Indexes of the items, ascending. */
  readonly items: readonly number[];
}

/** Where an encoder puts one item. */
export interface ItemWriter extends Pick<ByteWriter, 'byte' | 'copy' | 'latin1' | 'utf8' | 'varint' | 'reserve'> {
  readonly length: number;
  /** Copies the event's own bytes and remembers where they stand. Each item has exactly one event. */
  event(source: Buffer, start: number, end: number): void;
  tag(value: number): void;
}

const FIELDS_PER_ITEM = 6;

/** Collects items; the columns are plain numbers so that ten thousand items cost no ten thousand objects. */
export class BatchBuilder implements ItemWriter {
  readonly #writer: ByteWriter;
  #columns: Float64Array;
  #count = 0;
  #tag = 0;
  #eventStart = 0;
  #eventEnd = 0;

  constructor(capacity: number) {
    this.#writer = new ByteWriter(capacity);
    this.#columns = new Float64Array(FIELDS_PER_ITEM * 256);
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes encoded so far. */
  get length(): number {
    return this.#writer.length;
  }

  /** Bytes of memory held. */
  get capacity(): number {
    return this.#writer.bytes.length + this.#columns.byteLength;
  }

  byte(value: number): void {
    this.#writer.byte(value);
  }

  copy(source: Buffer, start?: number, end?: number): void {
    this.#writer.copy(source, start, end);
  }

  latin1(text: string, count?: number): void {
    this.#writer.latin1(text, count);
  }

  utf8(text: string): void {
    this.#writer.utf8(text);
  }

  varint(value: number): void {
    this.#writer.varint(value);
  }

  reserve(more: number): void {
    this.#writer.reserve(more);
  }

  event(source: Buffer, start: number, end: number): void {
    this.#eventStart = this.#writer.length;
    this.#writer.copy(source, start, end);
    this.#eventEnd = this.#writer.length;
  }

  tag(value: number): void {
    this.#tag = value;
  }

  /** Closes the item that stands since `itemStart`. */
  add(itemStart: number, lineOffset: number, lineBytes = 0): void {
    const at = this.#count * FIELDS_PER_ITEM;
    if (at === this.#columns.length) {
      const grown = new Float64Array(this.#columns.length * 2);
      grown.set(this.#columns);
      this.#columns = grown;
    }
    this.#columns[at] = itemStart;
    this.#columns[at + 1] = this.#eventStart;
    this.#columns[at + 2] = this.#eventEnd;
    this.#columns[at + 3] = lineOffset;
    this.#columns[at + 4] = this.#tag;
    this.#columns[at + 5] = lineBytes;
    this.#count += 1;
    this.#tag = 0;
  }

  /** Forgets what was written since `itemStart`: the event is not to be sent. */
  undo(itemStart: number): void {
    this.#writer.length = itemStart;
    this.#tag = 0;
  }

  /** Begins anew in the same memory, but for what a large event had made it grow to. The batch sealed from it ends. */
  reset(): void {
    this.#count = 0;
    this.#tag = 0;
    this.#writer.reset();
  }

  seal(key: string, source: string, range: Range): Batch {
    return new SealedBatch(
      key,
      source,
      range,
      this.#writer.bytes.subarray(0, this.#writer.length),
      this.#columns,
      this.#count,
    );
  }
}

class SealedBatch implements Batch {
  readonly key: string;
  readonly source: string;
  readonly range: Range;
  readonly bytes: Buffer;
  readonly count: number;
  readonly #columns: Float64Array;

  constructor(key: string, source: string, range: Range, bytes: Buffer, columns: Float64Array, count: number) {
    this.key = key;
    this.source = source;
    this.range = range;
    this.bytes = bytes;
    this.#columns = columns;
    this.count = count;
  }

  itemStart(item: number): number {
    return this.#column(item, 0);
  }

  itemEnd(item: number): number {
    return item + 1 < this.count ? this.#column(item + 1, 0) : this.bytes.length;
  }

  eventStart(item: number): number {
    return this.#column(item, 1);
  }

  eventEnd(item: number): number {
    return this.#column(item, 2);
  }

  lineOffset(item: number): number {
    return this.#column(item, 3);
  }

  tag(item: number): number {
    return this.#column(item, 4);
  }

  lineBytes(item: number): number {
    return this.#column(item, 5);
  }

  #column(item: number, column: number): number {
    return this.#columns[item * FIELDS_PER_ITEM + column] as number;
  }
}
