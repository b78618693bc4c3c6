import { isUtf8 } from 'node:buffer';

/** An event that was made valid, and what that took away. */
export interface Repaired {
  readonly bytes: Buffer;
  /** How many bytes stood in no character. */
  readonly count: number;
  /**
   * Where they stood and what they were, run by run: `offset:base64 offset:base64`, the offset in bytes of the event as it was. In the
   * repaired event each of them is U+FFFD.
   */
  readonly at: string;
}

const REPLACEMENT = Buffer.from('\ufffd');

/** The same text as valid UTF-8, for a receiver that refuses any other; null where it is valid, which costs a look at each byte. */
export function repairUtf8(bytes: Buffer, start: number, end: number): Repaired | null {
  const text = bytes.subarray(start, end);
  if (isUtf8(text)) return null;
  const parts: Buffer[] = [];
  const runs: string[] = [];
  let count = 0;
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    const length = characterLength(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    const from = at;
    while (at < text.length && characterLength(text, at) === 0) at += 1;
    parts.push(text.subarray(copied, from), Buffer.alloc((at - from) * REPLACEMENT.length, REPLACEMENT));
    runs.push(`${from}:${text.toString('base64', from, at)}`);
    count += at - from;
    copied = at;
  }
  parts.push(text.subarray(copied));
  return { bytes: Buffer.concat(parts), count, at: runs.join(' ') };
}

/** What `repairUtf8` was given, from its `bytes` and its `at`. */
export function restoreUtf8(repaired: Buffer, at: string): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  let length = 0;
  for (const run of at.split(' ')) {
    const colon = run.indexOf(':');
    const bad = Buffer.from(run.slice(colon + 1), 'base64');
    const good = repaired.subarray(from, from + Number(run.slice(0, colon)) - length);
    parts.push(good, bad);
    length += good.length + bad.length;
    from += good.length + bad.length * REPLACEMENT.length;
  }
  parts.push(repaired.subarray(from));
  return Buffer.concat(parts);
}

/** Bytes of the character at a place by table 3-7 of the Unicode standard; 0 where none begins there. */
function characterLength(text: Buffer, at: number): number {
  const first = text[at] as number;
  if (first < 0x80) return 1;
  const second = text[at + 1] ?? 0;
  if (first >= 0xc2 && first <= 0xdf) return isTail(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && isTail(text[at + 2] ?? 0) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xf4 ? 0x8f : 0xbf;
    const inside = second >= low && second <= high;
    return inside && isTail(text[at + 2] ?? 0) && isTail(text[at + 3] ?? 0) ? 4 : 0;
  }
  return 0;
}

function isTail(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}
