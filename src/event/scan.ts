import { FIELDS, SLOT } from './field.ts';

/**
 * The scanner: one forward, validating pass over a line that keeps where the fields stand and decodes nothing. It takes
 * what RFC 8259 takes, as `JSON.parse` does, at any depth; of a key that stands twice the last one counts.
 */

/** Span table: for each slot the index of the first byte of its value and of the byte behind it, -1 where unset. */
export type Spans = Int32Array;

export function newSpans(): Spans {
  return new Int32Array(FIELDS.length * 2).fill(-1);
}

/** Whether a byte may stand in a string as it is: not a quote, not a backslash, no control character. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c ? 1 : 0));
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => (/[0-9a-fA-F]/.test(String.fromCharCode(byte)) ? 1 : 0));
const DIGIT = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x30 && byte <= 0x39 ? 1 : 0));
/** What may stand behind a backslash, but for the `u`. */
const ESCAPE = Uint8Array.from({ length: 256 }, (_, byte) => ('"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0));

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Names that a level of the event may have, found by a hash of length, first and last byte. */
class Names {
  readonly #entries: ({ readonly name: Buffer; readonly slot: number } | undefined)[] = [];
  readonly slots: readonly number[];

  constructor(prefix: string) {
    const names = FIELDS.filter((field) => field.startsWith(prefix) && !field.slice(prefix.length).includes('.'));
    this.slots = names.map((field) => SLOT[field]);
    for (const field of names) {
      const name = Buffer.from(field.slice(prefix.length));
      const at = Names.#hash(name, 0, name.length);
      if (this.#entries[at] !== undefined) throw new Error(`two names share a place: ${field}`);
      this.#entries[at] = { name, slot: SLOT[field] };
    }
  }

  /** The slot of the name that stands at `[start, end)`, or -1. */
  find(bytes: Buffer, start: number, end: number): number {
    if (end === start) return -1;
    const entry = this.#entries[Names.#hash(bytes, start, end)];
    if (entry === undefined || entry.name.length !== end - start) return -1;
    for (let at = 0; at < entry.name.length; at += 1) if (bytes[start + at] !== entry.name[at]) return -1;
    return entry.slot;
  }

  static #hash(bytes: Buffer, start: number, end: number): number {
    const middle = bytes[start + ((end - start) >> 1)] as number;
    return ((end - start) * 67 + (bytes[start] as number) * 13 + (bytes[end - 1] as number) * 5 + middle * 29) & 1023;
  }
}

const TOP = new Names('');
const NESTED: ReadonlyMap<number, Names> = new Map(
  (['user', 'impersonatedUser', 'objectRef', 'responseStatus'] as const).map((name) => [SLOT[name], new Names(`${name}.`)]),
);

/** Fills the spans from the object that is all of `[start, end)`; false where that is not one valid JSON object. */
export function scanEvent(bytes: Buffer, start: number, end: number, spans: Spans): boolean {
  spans.fill(-1);
  return scanObject(bytes, start, end, spans, TOP) === end;
}

/** Scans the members of an object that starts at `start`; the index behind it, or -1. At most two levels deep. */
function scanObject(bytes: Buffer, start: number, end: number, spans: Spans, names: Names): number {
  if (bytes[start] !== OPEN_OBJECT) return -1;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_OBJECT) return at + 1;
  while (at < end) {
    if (bytes[at] !== QUOTE) return -1;
    const keyEnd = skipString(bytes, at);
    if (keyEnd < 0 || keyEnd >= end) return -1;
    const slot = findKey(bytes, at, keyEnd, names);
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== COLON) return -1;
    const value = skipSpace(bytes, at + 1);
    const nested = slot === -1 ? undefined : NESTED.get(slot);
    if (nested !== undefined) forget(spans, nested);
    at = nested !== undefined && bytes[value] === OPEN_OBJECT ? scanObject(bytes, value, end, spans, nested) : skipValue(bytes, value, end);
    if (at < 0 || at > end) return -1;
    if (slot !== -1) {
      spans[slot * 2] = value;
      spans[slot * 2 + 1] = at;
    }
    at = skipSpace(bytes, at);
    const next = bytes[at];
    if (next === CLOSE_OBJECT) return at + 1;
    if (next !== COMMA) return -1;
    at = skipSpace(bytes, at + 1);
  }
  return -1;
}

/** A second `user` replaces the first one whole. */
function forget(spans: Spans, names: Names): void {
  for (const slot of names.slots) {
    spans[slot * 2] = -1;
    spans[slot * 2 + 1] = -1;
  }
}

/** `quote` is the index of the opening quote, `end` the one behind the closing quote. */
function findKey(bytes: Buffer, quote: number, end: number, names: Names): number {
  const slot = names.find(bytes, quote + 1, end - 1);
  if (slot !== -1) return slot;
  const backslash = bytes.indexOf(BACKSLASH, quote);
  if (backslash === -1 || backslash >= end) return -1;
  const decoded = Buffer.from(JSON.parse(bytes.toString('utf8', quote, end)) as string);
  return names.find(decoded, 0, decoded.length);
}

/** Nesting of the value that is being skipped: 1 for an object, 0 for an array. Grows with the deepest line seen. */
let stack = new Uint8Array(256);

/** The index behind the value that starts at `start`, or -1. It may lie behind `end`: the caller compares. */
export function skipValue(bytes: Buffer, start: number, end: number): number {
  let at = start;
  let depth = 0;
  for (;;) {
    const first = bytes[at] as number;
    if (first === QUOTE) {
      at = skipString(bytes, at);
      if (at < 0) return -1;
    } else if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (depth === stack.length) stack = doubled(stack);
      stack[depth] = first === OPEN_OBJECT ? 1 : 0;
      at = skipSpace(bytes, at + 1);
      const empty = bytes[at] === (first === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY);
      if (!empty) {
        depth += 1;
        if (first === OPEN_OBJECT) {
          at = skipKey(bytes, at);
          if (at < 0) return -1;
        }
        if (at >= end) return -1;
        continue;
      }
      at += 1;
    } else {
      at = skipScalar(bytes, at, end);
      if (at < 0) return -1;
    }
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(bytes, at);
      if (at >= end) return -1;
      const next = bytes[at];
      const inObject = stack[depth - 1] === 1;
      if (next === COMMA) {
        at = skipSpace(bytes, at + 1);
        if (inObject) {
          at = skipKey(bytes, at);
          if (at < 0) return -1;
        }
        break;
      }
      if (next !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return -1;
      depth -= 1;
      at += 1;
    }
  }
}

/** A key with its colon; the index of the value, or -1. */
function skipKey(bytes: Buffer, start: number): number {
  if (bytes[start] !== QUOTE) return -1;
  const end = skipString(bytes, start);
  if (end < 0) return -1;
  const colon = skipSpace(bytes, end);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : -1;
}

/** `start` is the index of the opening quote; gives the index behind the closing one, or -1. */
export function skipString(bytes: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    while (PLAIN[bytes[at] as number] === 1) at += 1;
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return -1;
    const escape = bytes[at + 1] as number;
    if (ESCAPE[escape] === 1) at += 2;
    else if (
      escape === 0x75 &&
      HEX[bytes[at + 2] as number] === 1 &&
      HEX[bytes[at + 3] as number] === 1 &&
      HEX[bytes[at + 4] as number] === 1 &&
      HEX[bytes[at + 5] as number] === 1
    ) {
      at += 6;
    } else return -1;
  }
}

function skipScalar(bytes: Buffer, start: number, end: number): number {
  switch (bytes[start]) {
    case 0x74: // true
      return skipWord(bytes, start, 0x72, 0x75, 0x65);
    case 0x6e: // null
      return skipWord(bytes, start, 0x75, 0x6c, 0x6c);
    case 0x66: // false
      return bytes[start + 1] === 0x61 ? skipWord(bytes, start + 1, 0x6c, 0x73, 0x65) : -1;
    default:
      return skipNumber(bytes, start, end);
  }
}

function skipWord(bytes: Buffer, start: number, second: number, third: number, fourth: number): number {
  return bytes[start + 1] === second && bytes[start + 2] === third && bytes[start + 3] === fourth ? start + 4 : -1;
}

function skipNumber(bytes: Buffer, start: number, end: number): number {
  let at = start;
  if (bytes[at] === 0x2d) at += 1;
  if (bytes[at] === 0x30) at += 1;
  else {
    const digits = skipDigits(bytes, at, end);
    if (digits === at) return -1;
    at = digits;
  }
  if (bytes[at] === 0x2e && at < end) {
    const digits = skipDigits(bytes, at + 1, end);
    if (digits === at + 1) return -1;
    at = digits;
  }
  if ((bytes[at] === 0x65 || bytes[at] === 0x45) && at < end) {
    at += 1;
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1;
    const digits = skipDigits(bytes, at, end);
    if (digits === at) return -1;
    at = digits;
  }
  return at;
}

function skipDigits(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && DIGIT[bytes[at] as number] === 1) at += 1;
  return at;
}

export function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
    at += 1;
  }
}

function doubled(small: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const large = new Uint8Array(small.length * 2);
  large.set(small);
  return large;
}
