import type { Event } from '../event/event.ts';

/** Letters and digits that are written as escapes (`\\u0070`): the API server does not, but keeps what clients write in patches. */
const ESCAPED = ['\\u003', '\\u004', '\\u005', '\\u006', '\\u007'].map((text) => Buffer.from(text));
/** Of these escapes, the ones that Go writes for `<`, `>` and `&` say nothing. */
const PLAIN = [Buffer.from('\\u003c'), Buffer.from('\\u003e')];

/**
 * Whether one of some names stands in an event: a look at its bytes, and no more. Where letters are written as escapes
 * it says yes, as nobody knows then without reading them.
 */
export function mentions(names: readonly string[]): (event: Event) => boolean {
  const needles = names.map((name) => Buffer.from(name));
  return (event) => {
    const bytes = event.bytes.subarray(event.start, event.end);
    return needles.some((needle) => bytes.includes(needle)) || hasEscapedLetters(bytes);
  };
}

function hasEscapedLetters(bytes: Buffer): boolean {
  return ESCAPED.some((escape) => {
    for (let at = bytes.indexOf(escape); at !== -1; at = bytes.indexOf(escape, at + 1)) {
      if (!PLAIN.some((plain) => bytes.subarray(at, at + plain.length).equals(plain))) return true;
    }
    return false;
  });
}
