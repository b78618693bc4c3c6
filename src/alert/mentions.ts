import type { Event } from '../event/event.ts';
import { remembering } from './remembering.ts';

/** Letters and digits may be written as escapes (`\\u0070`): the API server does not, but keeps what clients write in patches. */
const ESCAPE = Buffer.from('\\u00');

/**
 * Whether one of some names stands in some fields of an event, or anywhere in it where none are named: a look at its
 * bytes, and no more. Where letters are written as escapes it says yes, as nobody knows then without reading them.
 */
export function mentions(names: readonly string[], slots: readonly number[]): (event: Event) => boolean {
  const needles = names.map((name) => Buffer.from(name));
  const standsIn = (bytes: Buffer) => needles.some((needle) => bytes.includes(needle)) || hasEscapedLetters(bytes);
  if (slots.length === 0) return (event) => standsIn(event.bytes.subarray(event.start, event.end));
  const tests = slots.map((slot) => {
    // Annotations above all are the same in very many events.
    return remembering(slot, (event) => {
      const start = event.valueStart(slot);
      return start !== -1 && standsIn(event.bytes.subarray(start, event.valueEnd(slot)));
    });
  });
  const [only] = tests;
  return tests.length === 1 && only !== undefined ? only : (event) => tests.some((test) => test(event));
}

/** Of the escapes of ASCII from `0` on, those that Go writes for `<` and `>` say nothing. */
function hasEscapedLetters(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(ESCAPE); at !== -1; at = bytes.indexOf(ESCAPE, at + 1)) {
    const code = Number.parseInt(bytes.toString('latin1', at + 4, at + 6), 16);
    if (code >= 0x30 && code < 0x80 && code !== 0x3c && code !== 0x3e) return true;
  }
  return false;
}
