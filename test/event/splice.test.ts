import { expect, test } from 'vitest';
import type { Splice } from '../../src/event/splice.ts';
import { applySplices } from '../../src/event/splice.ts';

const BYTES = Buffer.from('..{"a":1,"b":2}..');

function edited(splices: readonly Splice[], scratch = { bytes: Buffer.alloc(0) }): string {
  const length = applySplices(BYTES, 2, 15, splices, scratch);
  return scratch.bytes.toString('utf8', 0, length);
}

test('an event without splices is copied as it stands', () => {
  expect(edited([])).toBe('{"a":1,"b":2}');
});

test('values are replaced and members removed', () => {
  const replaced = { start: 7, end: 8, with: Buffer.from('"***"') };
  const removed = { start: 8, end: 14, with: Buffer.alloc(0) };
  expect(edited([replaced, removed])).toBe('{"a":"***"}');
  expect(edited([replaced])).toBe('{"a":"***","b":2}');
});

function put(at: number, text: string): Splice {
  return { start: at, end: at, with: Buffer.from(text) };
}

test('something can be put in where nothing is taken out, at the borders too', () => {
  expect(edited([put(2, '<'), put(14, ',"c":3'), put(15, '>')])).toBe('<{"a":1,"b":2,"c":3}>');
});

test('the scratch is used again, and grows when it must', () => {
  const scratch = { bytes: Buffer.alloc(16) };
  const before = scratch.bytes;
  expect(edited([{ start: 8, end: 14, with: Buffer.alloc(0) }], scratch)).toBe('{"a":1}');
  expect(scratch.bytes).toBe(before);
  expect(edited([{ start: 7, end: 8, with: Buffer.from('"12345678901234567890"') }], scratch)).toContain('67890');
  expect(scratch.bytes.length).toBeGreaterThanOrEqual(34);
});

test.each([
  [[{ start: 1, end: 3 }]],
  [[{ start: 14, end: 16 }]],
  [[{ start: 8, end: 7 }]],
  [
    [
      { start: 7, end: 9 },
      { start: 8, end: 10 },
    ],
  ],
  [
    [
      { start: 9, end: 10 },
      { start: 7, end: 8 },
    ],
  ],
])('splices that are no cuts of the event are refused: %j', (cuts) => {
  expect(() => edited(cuts.map((cut) => ({ ...cut, with: Buffer.alloc(0) })))).toThrow(RangeError);
});
