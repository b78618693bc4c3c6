import type { Event } from '../event/event.ts';

/**
 * Comparisons of a text field with a literal on the bytes of the line. They may decide without decoding because a
 * string's bytes and a literal without a quote, a backslash or a control character can only part at a byte that differs:
 * where that byte is a backslash, an escape stands for the character, and the text is decoded after all.
 */
type TextTest = (event: Event) => boolean;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function equals(slot: number, literal: string): TextTest {
  const bytes = plainBytes(literal);
  if (bytes === null) return (event) => event.text(slot) === literal;
  return (event) => {
    const start = event.valueStart(slot);
    if (start === -1 || event.bytes[start] !== QUOTE) return bytes.length === 0;
    const same = common(event, start + 1, bytes);
    if (same === bytes.length) return event.bytes[start + 1 + same] === QUOTE;
    return event.bytes[start + 1 + same] === BACKSLASH && event.text(slot) === literal;
  };
}

export function startsWith(slot: number, literal: string): TextTest {
  const bytes = plainBytes(literal);
  if (bytes === null) return (event) => event.text(slot).startsWith(literal);
  return (event) => {
    const start = event.valueStart(slot);
    if (start === -1 || event.bytes[start] !== QUOTE) return bytes.length === 0;
    const same = common(event, start + 1, bytes);
    if (same === bytes.length) return true;
    return event.bytes[start + 1 + same] === BACKSLASH && event.text(slot).startsWith(literal);
  };
}

/** How many bytes from `start` on are those of the literal. A closing quote differs from all of them. */
function common(event: Event, start: number, literal: Buffer): number {
  const { bytes } = event;
  let same = 0;
  while (same < literal.length && bytes[start + same] === literal[same]) same += 1;
  return same;
}

/** The UTF-8 of a literal that can stand in a string as it is; U+FFFD may also stand for bytes that are no UTF-8. */
function plainBytes(literal: string): Buffer | null {
  // oxlint-disable-next-line no-control-regex
  return literal.isWellFormed() && !/["\\\u0000-\u001f\ufffd]/.test(literal) ? Buffer.from(literal) : null;
}
