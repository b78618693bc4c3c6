import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { words } from '../../src/output/words.ts';

const piece = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '<html>',
    '<script>',
    '</script>',
    '<!--',
    '-->',
    '<',
    '>',
    '&amp;',
    '\u001b[',
    '\u001b]',
    '\u0007',
    '\ud800',
    '\r\n',
    '…',
  ),
);

it('is one line of proper text within 2 KiB whatever was said', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), fc.boolean(), (pieces, asBytes) => {
      const said = pieces.join('').repeat(3);
      const result = words(asBytes ? Buffer.from(said) : said);
      expect(Buffer.byteLength(result)).toBeLessThanOrEqual(2048);
      expect(result.isWellFormed()).toBe(true);
      expect(result).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(result).toBe(result.trim());
    }),
  );
});

it('takes any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4000 }), (bytes) => {
      const result = words(Buffer.from(bytes));
      expect(Buffer.byteLength(result)).toBeLessThanOrEqual(2048);
      expect(result).not.toMatch(/\p{Cc}/u);
    }),
  );
});

it('keeps what is fit already', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-zA-Z0-9.,:;()[\]{}"'/=-]{1,20}$/), { maxLength: 40 }), (plain) => {
      expect(words(plain.join(' '))).toBe(plain.join(' '));
    }),
  );
});
