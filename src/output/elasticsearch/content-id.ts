import { hash } from 'node:crypto';
import type { ItemWriter } from '../../pipeline/batch.ts';
import type { RawLine } from '../output.ts';

/**
 * 128 bits are 21 characters of base64url and two bits of the 22nd, which therefore is one of these. Lucene keeps an id that is
 * proper base64url as 16 bytes; any other would cost it 23.
 */
const LAST = 'AQgw';
/** Characters of which all six bits count. */
const WHOLE = 21;
const LAST_BY_CODE = new Uint8Array(128);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].entries()) {
  LAST_BY_CODE[character.charCodeAt(0)] = value >> 4;
}

/**
 * The `_id` of an event: the first 128 bits of SHA-256 over its raw line, without the newline, in base64url (22 characters). It stays
 * the same whatever a filter cut out, and does not rest on the auditID, which the client chooses.
 */
export function contentId(line: RawLine): string {
  const text = digest(line);
  return text.slice(0, WHOLE) + LAST[LAST_BY_CODE[text.charCodeAt(WHOLE)] as number];
}

/** Writes the same, without a string of its own for each event. */
export function writeContentId(line: RawLine, item: Pick<ItemWriter, 'byte' | 'latin1'>): void {
  const text = digest(line);
  item.latin1(text, WHOLE);
  item.byte(LAST.charCodeAt(LAST_BY_CODE[text.charCodeAt(WHOLE)] as number));
}

function digest({ bytes, start, end }: RawLine): string {
  return hash('sha256', bytes.subarray(start, end), 'base64url');
}
