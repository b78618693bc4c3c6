import type { EventReference } from '../log/loss.ts';
import type { Event, Malformed } from './event.ts';
import { SLOT } from './field.ts';
import { isSpace, JsonScanner } from './json.ts';
import { LinesAhead, SPANS_AHEAD } from './lines-ahead.ts';
import { newSpans, scanEvent } from './scan.ts';
import { lastGiven, managedFieldsOf, marksOf, scanUsual } from './scan-kernel.ts';
import type { Splice } from './splice.ts';
import { type Instant, readTime } from './time.ts';

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const NULL = 0x6e;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;

/** Fields that hold no others, and of which nothing but where they end is known before they are asked for. */
const LEAVES: readonly number[] = [SLOT.requestObject, SLOT.responseObject, SLOT.annotations];

const NOTHING = Buffer.alloc(0);

/** The line is one of those ahead, and stands there as it was read. */
const AHEAD = -2;

/** The view over one event at a time; `read` makes it one over the next. */
export class EventView implements Event {
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;
  isAscii = false;
  readonly #scanner = new JsonScanner();
  readonly #ownSpans = newSpans();
  readonly #ahead = new LinesAhead();
  /** Where the spans stand: by themselves, or among those of the lines ahead. */
  #spans = this.#ownSpans;
  #base = 0;
  readonly #time: Instant = { seconds: 0, nanos: 0 };
  #timeSlot: number = SLOT.stageTimestamp;
  #json: { readonly value: unknown } | null = null;
  /** What the kernel calls it, where it was given the line by itself. */
  #given = 0;

  /**
   * Prepares for the first `most` bytes, or less, of the lines in `[start, end)`, of which the last need not have its
   * newline: `read` of one after the other is cheap then. To be said anew once the bytes may have changed.
   */
  lookAhead(bytes: Buffer, start: number, end: number, most: number): void {
    this.#ahead.look(bytes, start, end, most);
  }

  /** Lets go of the bytes that were read last: it is a view over no event until the next `read`. */
  release(): void {
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.#json = null;
    this.#spans = this.#ownSpans;
    this.#base = 0;
    this.#spans.fill(-1);
    this.#ahead.release();
  }

  /** Index of the newline of the line at `start`, which is the next one; -1 where `lookAhead` did not come to it. */
  lineEnd(start: number): number {
    return this.#ahead.lineEnd(start);
  }

  /** Scans `[start, end)` of a buffer; null where that is an event. What was read before is forgotten in any case. */
  read(bytes: Buffer, start: number, end: number): Malformed | null {
    this.#json = null;
    this.bytes = bytes;
    const spans = this.#ahead.take(bytes, start, end);
    if (spans !== -1) {
      this.start = start;
      this.end = end;
      this.isAscii = this.#ahead.isAscii(spans);
      this.#spans = SPANS_AHEAD;
      this.#base = spans;
      this.#given = AHEAD;
      return this.#readTimes();
    }
    this.isAscii = false;
    this.#spans = this.#ownSpans;
    this.#base = 0;
    this.start = start;
    this.end = end;
    while (this.start < this.end && isSpace(bytes[this.start] as number)) this.start += 1;
    while (this.start < this.end && isSpace(bytes[this.end - 1] as number)) this.end -= 1;
    const { start: from, end: to } = this;
    const isUsual = scanUsual(bytes, from, to, this.#spans);
    this.#given = isUsual ? lastGiven() : -1;
    if (isUsual || scanEvent(bytes, from, to, this.#spans, this.#scanner)) {
      return this.#readTimes();
    }
    this.#spans.fill(-1);
    this.#scanner.on(bytes, this.end);
    const isObject = this.start < this.end && bytes[this.start] === OPEN_OBJECT;
    return !isObject && this.#scanner.value(this.start) === this.end ? 'not-an-object' : 'not-json';
  }

  /**
   * Becomes the view over what `applySplices` made of the event, which stands at `[0, end)`. Where all splices lie inside
   * of bodies and annotations, and so leave of each a JSON value, nothing is scanned again.
   */
  readEdited(bytes: Buffer, end: number, splices: readonly Splice[]): Malformed | null {
    if (!this.#move(splices)) return this.read(bytes, 0, end);
    this.#json = null;
    this.#given = -1;
    this.isAscii = false;
    this.bytes = bytes;
    this.start = 0;
    this.end = end;
    return null;
  }

  /** Moves the spans to where they are behind the splices; false where a splice lies elsewhere than inside of a leaf. */
  #move(splices: readonly Splice[]): boolean {
    const spans = this.#spans;
    const growth = [0, 0, 0];
    for (const { start, end, with: by } of splices) {
      const leaf = this.#leafAround(start, end);
      if (leaf === -1) return false;
      growth[leaf] = (growth[leaf] as number) + by.length - (end - start);
    }
    const [first, second, third] = LEAVES.map((slot) => this.valueEnd(slot)) as [number, number, number];
    const [one, two, three] = growth as [number, number, number];
    const { start } = this;
    for (let at = this.#base; at < this.#base + this.#ownSpans.length; at += 1) {
      const place = spans[at] as number;
      if (place === -1) continue;
      const moved = (first <= place ? one : 0) + (second <= place ? two : 0) + (third <= place ? three : 0);
      spans[at] = place - start + moved;
    }
    return true;
  }

  #leafAround(start: number, end: number): number {
    for (let leaf = 0; leaf < LEAVES.length; leaf += 1) {
      const slot = LEAVES[leaf] as number;
      if (this.valueStart(slot) < start && end < this.valueEnd(slot)) return leaf;
    }
    return -1;
  }

  has(slot: number): boolean {
    const start = this.valueStart(slot);
    return start !== -1 && this.bytes[start] !== NULL;
  }

  text(slot: number): string {
    const start = this.valueStart(slot);
    return start === -1 ? '' : this.#text(start, this.valueEnd(slot));
  }

  number(slot: number): number {
    const start = this.valueStart(slot);
    if (start === -1) return 0;
    const first = this.bytes[start] as number;
    if (first !== MINUS && (first < 0x30 || first > 0x39)) return 0;
    return Number(this.bytes.toString('latin1', start, this.valueEnd(slot)));
  }

  list(slot: number): readonly string[] {
    const start = this.valueStart(slot);
    if (start === -1 || this.bytes[start] !== OPEN_ARRAY) return [];
    const values = JSON.parse(this.bytes.toString('utf8', start, this.valueEnd(slot))) as unknown[];
    return values.filter((value) => typeof value === 'string');
  }

  valueStart(slot: number): number {
    return this.#spans[this.#base + slot * 2] as number;
  }

  valueEnd(slot: number): number {
    return this.#spans[this.#base + slot * 2 + 1] as number;
  }

  annotation(key: string): string {
    const { bytes } = this;
    const json = this.#scanner;
    json.on(bytes, this.end);
    let at = this.valueStart(SLOT.annotations);
    if (at === -1 || bytes[at] !== OPEN_OBJECT) return '';
    const last = this.valueEnd(SLOT.annotations) - 1;
    let found = '';
    for (at = json.space(at + 1); at < last; at = json.space(at + 1)) {
      const keyEnd = json.string(at + 1);
      const value = json.space(json.space(keyEnd) + 1);
      const valueEnd = json.value(value);
      // Of a key that stands twice the last one counts.
      if (this.#isText(at, keyEnd, key)) found = this.#text(value, valueEnd);
      at = json.space(valueEnd);
    }
    return found;
  }

  marks(): number {
    const marks = this.#given === AHEAD ? this.#ahead.marks(this.#base) : -1;
    return marks === -1 ? marksOf(this.bytes, this.start, this.end, this.#given) : marks;
  }

  managedFields(): Int32Array | null {
    return this.#given === AHEAD ? this.#ahead.managedFields(this.#base) : managedFieldsOf(this.#given);
  }

  timeNs(): bigint {
    return BigInt(this.#time.seconds) * 1_000_000_000n + BigInt(this.#time.nanos);
  }

  timeMs(): number {
    return this.#time.seconds * 1000 + Math.floor(this.#time.nanos / 1_000_000);
  }

  instant(): Readonly<Instant> {
    return this.#time;
  }

  timeText(): string {
    return this.text(this.#timeSlot);
  }

  json(): unknown {
    this.#json ??= { value: JSON.parse(this.bytes.toString('utf8', this.start, this.end)) as unknown };
    return this.#json.value;
  }

  /** What a person finds the event again by. */
  reference(): EventReference {
    return {
      auditID: this.text(SLOT.auditID).slice(0, 128),
      stage: this.text(SLOT.stage).slice(0, 32),
      time: this.timeText(),
    };
  }

  /** The text of the value at `[start, end)`, the empty string where it is no string. */
  #text(start: number, end: number): string {
    if (this.bytes[start] !== QUOTE) return '';
    const text = this.bytes.toString('utf8', start + 1, end - 1);
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
  }

  /** Whether the string at `[start, end)` is that text; most are compared as they stand. */
  #isText(start: number, end: number, text: string): boolean {
    const { bytes } = this;
    for (let at = 0; at < text.length; at += 1) {
      const byte = bytes[start + 1 + at] as number;
      if (byte === BACKSLASH || byte > 0x7f) return this.#text(start, end) === text;
      if (byte !== text.charCodeAt(at)) return false;
    }
    return start + text.length + 2 === end || this.#text(start, end) === text;
  }

  #readTimes(): Malformed | null {
    return this.#readTime(SLOT.stageTimestamp) || this.#readTime(SLOT.requestReceivedTimestamp) ? null : 'no-timestamp';
  }

  #readTime(slot: number): boolean {
    const start = this.valueStart(slot);
    if (start === -1 || this.bytes[start] !== QUOTE) return false;
    this.#timeSlot = slot;
    const end = this.valueEnd(slot);
    if (readTime(this.bytes, start + 1, end - 1, this.#time)) return true;
    // It may be written with escapes.
    const text = Buffer.from(this.#text(start, end));
    return text.length !== end - start - 2 && readTime(text, 0, text.length, this.#time);
  }
}
