import { expect, it } from 'vitest';
import { humanBytes, humanCount, humanSeconds, plural } from '../../src/cli/human.ts';
import { formatTable } from '../../src/cli/table.ts';

it('writes sizes, times and counts for people', () => {
  expect([0, 1023, 1536, 2 ** 20, 102_350, 5e12].map(humanBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '1.0 MiB',
    '100 KiB',
    '4.5 TiB',
  ]);
  expect([0, 0.25, 42.5, 200, 3600, 86_399, 187_000].map(humanSeconds)).toEqual([
    '0s',
    '0.3s',
    '43s',
    '3m 20s',
    '1h',
    '23h 59m',
    '2d 3h',
  ]);
  expect(humanCount(1_234_567)).toBe('1,234,567');
  expect([plural(1, 'problem'), plural(2, 'problem')]).toEqual(['1 problem', '2 problems']);
});

it('sets tables in columns as wide as they need to be', () => {
  const columns = [{ title: 'name' }, { title: 'n', align: 'right' as const }, { title: 'words' }];
  expect(
    formatTable(columns, [
      ['a', '10', 'x'],
      ['longer', '7', ''],
    ]),
  ).toBe('name     n  words\na       10  x\nlonger   7');
});
