/** A member of a JSON object: `[start, end)` from the opening quote of its key, which closes at `keyEnd`, to the end of its value. */
export interface Member {
  readonly start: number;
  readonly keyEnd: number;
  readonly value: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/*
 * All of this reads JSON that the scan of the event has already seen to be valid, so that each string, object and array
 * ends, and nothing is checked again. It serves filters and outputs alike; where the bytes end early, so do the steps.
 */

/** Behind white space. */
export function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Behind the string that begins with the quote at `start`. */
export function stringEnd(bytes: Buffer, start: number): number {
  let at = start + 1;
  for (let byte = bytes[at]; byte !== QUOTE && at < bytes.length; byte = bytes[at]) at += byte === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** Behind the value that begins at `start`. */
export function valueEnd(bytes: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = stringEnd(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0) return scalarEnd(bytes, at);
    at += 1;
  }
  return at;
}

function scalarEnd(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || isSpace(byte))
      return at;
    at += 1;
  }
}

/** The members of the object that begins at `start`, in their order. */
export function* membersOf(bytes: Buffer, start: number): Generator<Member> {
  for (let at = skipSpace(bytes, start + 1); bytes[at] === QUOTE; ) {
    const behindKey = stringEnd(bytes, at);
    const value = skipSpace(bytes, skipSpace(bytes, behindKey) + 1);
    const end = valueEnd(bytes, value);
    yield { start: at, keyEnd: behindKey - 1, value, end };
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
}

/** Where the items of the array that begins at `start` begin. */
export function* itemsOf(bytes: Buffer, start: number): Generator<number> {
  for (let at = skipSpace(bytes, start + 1); bytes[at] !== CLOSE_ARRAY && at < bytes.length; ) {
    yield at;
    at = skipSpace(bytes, valueEnd(bytes, at));
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
}

/** The key of a member, decoded. */
export function keyOf(bytes: Buffer, { start, keyEnd }: Member): string {
  const text = bytes.toString('utf8', start + 1, keyEnd);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

export function isObject(bytes: Buffer, start: number): boolean {
  return bytes[start] === OPEN_OBJECT;
}

export function isArray(bytes: Buffer, start: number): boolean {
  return bytes[start] === OPEN_ARRAY;
}

/** The member whose value starts at `value`. No quote stands in its key. */
export function memberAt(bytes: Buffer, value: number, end: number): Member {
  let start = value - 1;
  while (bytes[start] !== QUOTE) start -= 1;
  const keyEnd = start;
  start -= 1;
  while (bytes[start] !== QUOTE) start -= 1;
  return { start, keyEnd, value, end };
}
