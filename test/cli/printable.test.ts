import { expect, it } from 'vitest';
import { printable, printableLines } from '../../src/cli/printable.ts';

it('shows what is not printable as its code', () => {
  expect(printable('a\u001b[31mred\u0007')).toBe('a\\x1b[31mred\\x07');
  expect(printable('user\u202egnp.exe')).toBe('user\\u202egnp.exe');
  expect(printable('tab\there, line\nthere')).toBe('tab here, line\\nthere');
  expect(printable('\ud800')).toBe('\\ud800');
  expect(printable('Grüße 😀')).toBe('Grüße 😀');
});

it('keeps lines apart where there are several', () => {
  expect(printableLines('one\ntwo\u001b')).toBe('one\ntwo\\x1b');
});
