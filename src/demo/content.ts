import { hash } from 'node:crypto';

/** Members of an event that outputs add, or (kind, apiVersion) leave out inside an EventList. */
const NOT_CONTENT = ['"@timestamp"', '"auditail"', '"metadata"', '"kind"', '"apiVersion"'].map((name) =>
  Buffer.from(name),
);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;

/**
 * Names the content of an event: equal for the line in the log and for what an output made of it, different as soon as
 * one byte of the event is. It is a hash over the members of the outermost object, byte by byte, without those that
 * outputs add. Of what is no whole JSON object it is the hash of all bytes.
 */
export function contentId(event: Buffer): string {
  const trimmed = event.subarray(skipSpace(event, 0), endOfText(event));
  const members = contentMembers(trimmed);
  return hash('sha1', members ?? trimmed, 'base64');
}

/** The members of the object that are its content, joined by commas; `undefined` where there is no whole object. */
function contentMembers(event: Buffer): Buffer | undefined {
  if (event[0] !== OPEN_BRACE) return undefined;
  const parts: Buffer[] = [];
  let at = skipSpace(event, 1);
  while (event[at] === QUOTE) {
    const nameEnd = endOfString(event, at);
    const colon = skipSpace(event, nameEnd);
    if (nameEnd < 0 || event[colon] !== COLON) return undefined;
    const end = endOfValue(event, skipSpace(event, colon + 1));
    if (end < 0) return undefined;
    const name = event.subarray(at, nameEnd);
    if (!NOT_CONTENT.some((other) => other.equals(name))) parts.push(event.subarray(at, end), Buffer.of(COMMA));
    at = skipSpace(event, end);
    if (event[at] === CLOSE_BRACE) return at === event.length - 1 ? Buffer.concat(parts) : undefined;
    if (event[at] !== COMMA) return undefined;
    at = skipSpace(event, at + 1);
  }
  return undefined;
}

/** Behind the string that starts at `at`; -1 where it does not end. */
function endOfString(bytes: Buffer, at: number): number {
  for (let quote = bytes.indexOf(QUOTE, at + 1); quote >= 0; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let before = quote;
    while (bytes[before - 1] === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 0) return quote + 1;
  }
  return -1;
}

/** Behind the value that starts at `at`; -1 where it does not end. */
function endOfValue(bytes: Buffer, at: number): number {
  let depth = 0;
  for (let index = at; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      index = endOfString(bytes, index) - 1;
      if (index < 0) return -1;
      if (depth === 0) return index + 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return index;
      depth -= 1;
      if (depth === 0) return index + 1;
    } else if (depth === 0 && (byte === COMMA || byte === undefined || byte <= SPACE)) {
      return index;
    }
  }
  return -1;
}

function skipSpace(bytes: Buffer, at: number): number {
  let index = at;
  while (index < bytes.length && (bytes[index] as number) <= SPACE) index += 1;
  return index;
}

function endOfText(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] as number) <= SPACE) end -= 1;
  return end;
}

/** The top-level objects of a JSON array, as spans of its bytes; `undefined` where it is no whole array. */
export function arrayItems(bytes: Buffer): readonly Buffer[] | undefined {
  const items: Buffer[] = [];
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACKET) return undefined;
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_BRACKET) return items;
  for (;;) {
    const end = endOfValue(bytes, at);
    if (end <= at) return undefined;
    items.push(bytes.subarray(at, end));
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_BRACKET) return items;
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1);
  }
}
