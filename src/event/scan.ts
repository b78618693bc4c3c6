import { FIELDS, SLOT } from './field.ts';
import type { JsonScanner } from './json.ts';

/** Span table: for each slot the position of the first byte of its value and of the byte behind it, -1 where unset. */
export type Spans = Int32Array;

export function newSpans(): Spans {
  return new Int32Array(FIELDS.length * 2).fill(-1);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COMMA = 0x2c;
const COLON = 0x3a;

class Name {
  readonly bytes: Buffer;
  readonly slot: number;
  /** The names inside of it, where the event has fields there. */
  readonly inner: Names | null;
  /** What stood behind it the last time: the API server always writes in one order. */
  next: Name | null = null;

  constructor(bytes: Buffer, slot: number, inner: Names | null) {
    this.bytes = bytes;
    this.slot = slot;
    this.inner = inner;
  }

  /** Whether this key stands at `start`, with its closing quote and a colon behind it. */
  standsAt(bytes: Buffer, start: number, end: number): boolean {
    const own = this.bytes;
    const { length } = own;
    if (start + length + 2 > end) return false;
    for (let at = 0; at < length; at += 1) if (bytes[start + at] !== own[at]) return false;
    return bytes[start + length] === QUOTE && bytes[start + length + 1] === COLON;
  }
}

/** The names that one level of the event may have, found by a hash of their length and three of their bytes. */
class Names {
  readonly #names: (Name | null)[] = Array.from({ length: 1024 }, () => null);
  readonly slots: readonly number[];
  /** What stood first the last time. */
  first: Name | null = null;

  constructor(prefix: string) {
    const fields = FIELDS.filter((field) => field.startsWith(prefix) && !field.slice(prefix.length).includes('.'));
    this.slots = fields.map((field) => SLOT[field]);
    for (const field of fields) {
      const bytes = Buffer.from(field.slice(prefix.length));
      const at = keyHash(bytes, 0, bytes.length);
      if (this.#names[at] !== null) throw new Error(`two names share a place: ${field}`);
      const isParent = FIELDS.some((other) => other.startsWith(`${field}.`));
      this.#names[at] = new Name(bytes, SLOT[field], isParent ? new Names(`${field}.`) : null);
    }
  }

  find(bytes: Buffer, start: number, end: number): Name | null {
    if (start === end) return null;
    const name = this.#names[keyHash(bytes, start, end)] as Name | null;
    if (name === null || name.bytes.length !== end - start) return null;
    for (let at = 0; at < name.bytes.length; at += 1) if (bytes[start + at] !== name.bytes[at]) return null;
    return name;
  }
}

export function keyHash(bytes: Buffer, start: number, end: number): number {
  const middle = bytes[start + ((end - start) >> 1)] as number;
  return ((end - start) * 67 + (bytes[start] as number) * 13 + (bytes[end - 1] as number) * 5 + middle * 29) & 1023;
}

const TOP = new Names('');

/**
 * Fills the spans in one forward, validating pass; false where `[start, end)` is not one whole JSON object. Of a key
 * that stands twice the last one counts, as in `JSON.parse`.
 */
export function scanEvent(bytes: Buffer, start: number, end: number, spans: Spans, json: JsonScanner): boolean {
  spans.fill(-1);
  // The last byte closes the event, so no other byte before the end can be the last one: what is read ahead is there.
  if (end - start < 2 || bytes[start] !== OPEN_OBJECT || bytes[end - 1] !== CLOSE_OBJECT) return false;
  json.on(bytes, end);
  return scanMembers(bytes, start + 1, end, spans, json, TOP) === end;
}

/** `start` is behind the brace; gives the position behind the closing brace, or -1. At most two levels deep. */
function scanMembers(bytes: Buffer, start: number, end: number, spans: Spans, json: JsonScanner, names: Names): number {
  let at = json.space(start);
  if (at < end && bytes[at] === CLOSE_OBJECT) return at + 1;
  let before: Name | null = null;
  for (;;) {
    if (at >= end || bytes[at] !== QUOTE) return -1;
    const key = at + 1;
    let name: Name | null = before === null ? names.first : before.next;
    if (name !== null && name.standsAt(bytes, key, end)) {
      at = key + name.bytes.length + 1;
    } else {
      at = json.string(key);
      if (at < 0) return -1;
      name = names.find(bytes, key, at - 1) ?? findEscaped(bytes, key, at - 1, names);
      if (before === null) names.first = name;
      else before.next = name;
      at = json.space(at);
      if (at >= end || bytes[at] !== COLON) return -1;
    }
    const value = json.space(at + 1);
    if (value >= end) return -1;
    const inner: Names | null = name === null ? null : name.inner;
    if (inner !== null) forget(spans, inner);
    if (bytes[value] === QUOTE) at = json.string(value + 1);
    else if (inner === null || bytes[value] !== OPEN_OBJECT) at = json.value(value);
    else at = scanMembers(bytes, value + 1, end, spans, json, inner);
    if (at < 0) return -1;
    if (name !== null) {
      spans[name.slot * 2] = value;
      spans[name.slot * 2 + 1] = at;
      before = name;
    }
    at = json.space(at);
    if (at >= end) return -1;
    const next = bytes[at];
    if (next === CLOSE_OBJECT) return at + 1;
    if (next !== COMMA) return -1;
    at = json.space(at + 1);
  }
}

/** A second `user` replaces the first one whole. */
function forget(spans: Spans, names: Names): void {
  for (const slot of names.slots) {
    spans[slot * 2] = -1;
    spans[slot * 2 + 1] = -1;
  }
}

/** A key that is written with escapes (`"\u0075ser"` is `user`). */
function findEscaped(bytes: Buffer, start: number, end: number, names: Names): Name | null {
  let at = start;
  while (at < end && bytes[at] !== BACKSLASH) at += 1;
  if (at === end) return null;
  const decoded = Buffer.from(JSON.parse(bytes.toString('utf8', start - 1, end + 1)) as string);
  return names.find(decoded, 0, decoded.length);
}
