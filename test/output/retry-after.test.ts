import { expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/output/retry-after.ts';

const NOW = Date.parse('2026-11-23T05:00:00Z');

it.each([
  ['seconds', '120', 120_000],
  ['none at all', '0', 0],
  ['parts of a second', '0.5', 500],
  ['white space', ' 3 ', 3000],
  ['a date', 'Mon, 23 Nov 2026 05:00:30 GMT', 30_000],
  ['a date that is past', 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ['the old form of dates', 'Monday, 23-Nov-26 05:00:30 GMT', 30_000],
  ['a day, of which an hour is granted', '86400', 3_600_000],
  ['a far date, of which an hour is granted', 'Fri, 23 Nov 2099 05:00:00 GMT', 3_600_000],
  ['a negative number', '-1', undefined],
  ['a word', 'soon', undefined],
  ['a bare year', '2027', 2_027_000],
  ['too many digits', '9'.repeat(40), undefined],
  ['the empty text', '', undefined],
  ['nothing', undefined, undefined],
] as const)('reads %s', (_, text, expected) => {
  expect(parseRetryAfter(text, NOW)).toBe(expected);
});
