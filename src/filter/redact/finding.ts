import type { Redaction } from './kinds.ts';
import { MARKER } from './kinds.ts';

/** A part of some bytes or text that is to be replaced. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: Redaction;
  /** What stands there instead, written for the JSON, or the text, that the positions count in. */
  readonly by: string;
}

/** Part of a text, or the content of a string between its quotes. */
export function within(start: number, end: number, kind: Redaction): Finding {
  return { start, end, kind, by: MARKER };
}

/** A whole JSON value. Of a string, the quotes stay. */
export function wholeValue(bytes: Buffer, start: number, end: number, kind: Redaction): Finding {
  if (bytes[start] === 0x22) return within(start + 1, end - 1, kind);
  return { start, end, kind, by: `"${MARKER}"` };
}
