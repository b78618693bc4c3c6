import type { EventReference } from '../log/loss.ts';
import type { Event, Malformed } from './event.ts';
import { SLOT } from './field.ts';
import { newSpans, scanEvent, skipSpace, skipString, skipValue } from './scan.ts';
import { parseTimeNs } from './time.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const NULL = 0x6e;

/** The view over one event at a time; `read` makes it one over the next. */
export class EventView implements Event {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  readonly #spans = newSpans();
  #timeSlot = -1;
  #timeNs = 0n;
  #json: { readonly value: unknown } | null = null;

  /** Scans `[start, end)` of a buffer; null where that is an event. What was read before is forgotten in any case. */
  read(bytes: Buffer, start: number, end: number): Malformed | null {
    this.#json = null;
    this.bytes = bytes;
    this.start = skipSpace(bytes, start);
    this.end = end;
    while (this.end > this.start && isSpace(bytes[this.end - 1] as number)) this.end -= 1;
    if (!scanEvent(bytes, this.start, this.end, this.#spans)) {
      this.#spans.fill(-1);
      return bytes[this.start] !== OPEN_OBJECT && isValue(bytes, this.start, this.end) ? 'not-an-object' : 'not-json';
    }
    return this.#readTime(SLOT.stageTimestamp) || this.#readTime(SLOT.requestReceivedTimestamp) ? null : 'no-timestamp';
  }

  has(slot: number): boolean {
    const start = this.valueStart(slot);
    return start !== -1 && this.bytes[start] !== NULL;
  }

  text(slot: number): string {
    const start = this.valueStart(slot);
    if (start === -1 || this.bytes[start] !== QUOTE) return '';
    return decode(this.bytes, start, this.valueEnd(slot));
  }

  number(slot: number): number {
    const start = this.valueStart(slot);
    const first = this.bytes[start];
    if (start === -1 || first === undefined || (first !== 0x2d && (first < 0x30 || first > 0x39))) return 0;
    return Number(this.bytes.toString('latin1', start, this.valueEnd(slot)));
  }

  list(slot: number): readonly string[] {
    const start = this.valueStart(slot);
    if (start === -1 || this.bytes[start] !== OPEN_ARRAY) return [];
    const values = JSON.parse(this.bytes.toString('utf8', start, this.valueEnd(slot))) as unknown[];
    return values.filter((value) => typeof value === 'string');
  }

  valueStart(slot: number): number {
    return this.#spans[slot * 2] as number;
  }

  valueEnd(slot: number): number {
    return this.#spans[slot * 2 + 1] as number;
  }

  annotation(key: string): string {
    const { bytes } = this;
    let at = this.valueStart(SLOT.annotations);
    if (at === -1 || bytes[at] !== OPEN_OBJECT) return '';
    const end = this.valueEnd(SLOT.annotations) - 1;
    let found = '';
    for (at = skipSpace(bytes, at + 1); at < end; at = skipSpace(bytes, at + 1)) {
      const keyEnd = skipString(bytes, at);
      const value = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
      const valueEnd = skipValue(bytes, value, end);
      if (decode(bytes, at, keyEnd) === key) found = bytes[value] === QUOTE ? decode(bytes, value, valueEnd) : '';
      at = skipSpace(bytes, valueEnd);
    }
    return found;
  }

  timeNs(): bigint {
    return this.#timeNs;
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
    return { auditID: this.text(SLOT.auditID).slice(0, 128), stage: this.text(SLOT.stage).slice(0, 32), time: this.timeText() };
  }

  #readTime(slot: number): boolean {
    const start = this.valueStart(slot);
    if (start === -1 || this.bytes[start] !== QUOTE) return false;
    const time = parseTimeNs(this.bytes, start + 1, this.valueEnd(slot) - 1);
    if (time === null) return false;
    this.#timeSlot = slot;
    this.#timeNs = time;
    return true;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isValue(bytes: Buffer, start: number, end: number): boolean {
  return end > start && skipValue(bytes, start, end) === end;
}

/** The text of a string that stands with its quotes at `[start, end)`. */
function decode(bytes: Buffer, start: number, end: number): string {
  for (let at = start + 1; at < end - 1; at += 1) {
    if (bytes[at] === BACKSLASH) return JSON.parse(bytes.toString('utf8', start, end)) as string;
  }
  return bytes.toString('utf8', start + 1, end - 1);
}
