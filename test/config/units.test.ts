import { expect, it } from 'vitest';
import {
  bytes,
  duration,
  durationOr,
  formatBytes,
  formatDurationMs,
  parseDurationMs,
  sizeOrPercentage,
} from '../../src/config/units.ts';
import { parseBytes } from '../../src/config/quantity.ts';

it.each([
  ['4Mi', 4_194_304],
  ['4MiB', 4_194_304],
  ['4 MB', 4_000_000],
  ['1.5Gi', 1_610_612_736],
  ['0.57k', 570],
  ['1048576', 1_048_576],
  ['0', 0],
  ['4mi', undefined],
  ['-1', undefined],
  ['1e6', undefined],
  ['', undefined],
])('the size %j is %j bytes', (text, size) => {
  expect(parseBytes(text)).toBe(size);
});

it.each([
  ['250ms', 250],
  ['1s', 1000],
  ['1m30s', 90_000],
  ['0.29s', 290],
  ['7d', 604_800_000],
  ['1', undefined],
  ['1 s', undefined],
  ['s', undefined],
])('the duration %j is %j ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

it('quantities are written the way people write them', () => {
  expect([0, 1000, 1023, 1024, 500_000, 2 ** 31, 5e12].map(formatBytes)).toEqual([
    '0',
    '1k',
    '1023',
    '1Ki',
    '500k',
    '2Gi',
    '5T',
  ]);
  expect([0, 250, 1000, 90_000, 86_400_000].map(formatDurationMs)).toEqual(['0s', '250ms', '1s', '1m30s', '1d']);
});

it('the schemas give numbers, keep words, and refuse what is out of bounds', () => {
  expect(bytes('').parse(1024)).toBe(1024);
  expect(duration('').parse('2s')).toBe(2000);
  expect(durationOr(['oldest'], '').parse('oldest')).toBe('oldest');
  expect(durationOr(['oldest'], '').parse('1h')).toBe(3_600_000);
  expect(sizeOrPercentage('').parse('15%')).toBe('15%');
  expect(sizeOrPercentage('').parse('1Ki')).toBe(1024);
  const refused = [
    bytes('', { min: 10 }).safeParse(9),
    duration('', { max: 1000 }).safeParse('1m'),
    sizeOrPercentage('').safeParse('115%'),
  ];
  expect(refused.map(({ error }) => error?.issues[0]?.message)).toEqual([
    'must be at least 10, not 9',
    'must be at most 1s, not 1m',
    'must be a percentage such as 15% or a size such as 4Gi, not "115%"',
  ]);
});
