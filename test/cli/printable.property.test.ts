import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { printable, printableLines } from '../../src/cli/printable.ts';

const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('\u001b[2J', '\u0007', '\u009b31m', '\u202e', '\r', '\n', 'a', '\ud800', 'ü', '😀'))
    .map((parts) => parts.join('')),
);

it('nothing that a terminal obeys comes through, whatever the text', () => {
  fc.assert(
    fc.property(nasty, (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
      expect(printableLines(text).split('\n')).toHaveLength(text.split('\n').length);
    }),
    { numRuns: 500 },
  );
});

it('text without such characters stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
      expect(printable(text)).toBe(text);
    }),
  );
});
