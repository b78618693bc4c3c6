import { expect, test } from 'vitest';
import { decodeSnappy } from '../../src/demo/snappy.ts';

test('literals and copies, overlapping ones too, are decoded', () => {
  // 3 literal bytes, then a one-byte-offset copy of 9 from 3 back, a two-byte-offset and a four-byte-offset copy.
  const block = Buffer.from([
    17, 0x08, 0x61, 0x62, 0x63, 0x15, 0x03, 0x0a, 0x03, 0x00, 0x03, 0x01, 0, 0, 0, 0x00, 0x21,
  ]);
  expect(decodeSnappy(block).toString()).toBe('abcabcabcabcabcc!');
});

test.each([
  ['an empty input', []],
  ['a length without an end', [0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ['a literal that is cut short', [3, 0x08, 0x61]],
  ['a literal beyond the length', [1, 0x08, 0x61, 0x62, 0x63]],
  ['a copy from before the beginning', [5, 0x00, 0x61, 0x01, 0x02]],
  ['a copy with no offset', [5, 0x00, 0x61, 0x01, 0x00]],
  ['a copy that is cut short', [5, 0x00, 0x61, 0x02, 0x01]],
  ['less than it promised', [9, 0x00, 0x61]],
  ['a long literal without its length', [9, 0xf4, 0x61]],
])('%s is refused', (_, bytes) => {
  expect(() => decodeSnappy(Buffer.from(bytes))).toThrow(RangeError);
});
