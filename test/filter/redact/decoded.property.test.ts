import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeJson, decodePercent } from '../../../src/filter/redact/decoded.ts';
import { choices, write } from '../../event/writing.ts';

test('a JSON string is decoded as JSON.parse does, and each byte is traced to where it was read', () => {
  fc.assert(
    // Halves of surrogate pairs have no UTF-8, and those written as escapes are not put together: nothing is looked for there.
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '/', 'é', '漢', '{', ' ') }),
      fc.nat(),
      (text, seed) => {
        const source = Buffer.from(write(text, choices(seed)).trim());
        const decoded = decodeJson(source, 1, source.length - 1);
        expect(decoded?.bytes.toString()).toBe(text);
        const { bytes, offsets } = decoded as NonNullable<typeof decoded>;
        expect(offsets[bytes.length]).toBe(source.length - 1);
        for (let at = 0; at < bytes.length; at += 1) {
          const from = source[offsets[at] as number];
          expect(from === bytes[at] || from === 0x5c).toBe(true);
        }
      },
    ),
  );
});

test('what is no escape of JSON is not decoded', () => {
  for (const text of ['\\x41', '\\u12', '\\u00g0', '\\', '\\U0041']) {
    expect(decodeJson(Buffer.from(text), 0, text.length)).toBeNull();
  }
});

test('a part of a query is decoded as URLSearchParams does', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '+', '%41', '%2F', '%3d', '%c3%a9', '-', '%', '%4', '%zz') }),
      (text) => {
        const { bytes, offsets } = decodePercent(Buffer.from(text), 0, text.length);
        expect(bytes.toString()).toBe(new URLSearchParams(`x=${text}`).get('x'));
        expect(offsets[bytes.length]).toBe(text.length);
      },
    ),
  );
});
