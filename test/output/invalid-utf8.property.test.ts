import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { repairUtf8, restoreUtf8 } from '../../src/output/invalid-utf8.ts';

const piece = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('c080', 'eda080', 'f4908080', 'e282', 'f09f98', 'efbfbd', 'ff').map((hex) => Buffer.from(hex, 'hex')),
);

it('makes any bytes valid, keeps every character, and can be undone', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const bytes = Buffer.concat([Buffer.from('<'), ...pieces, Buffer.from('>')]);
      const text = bytes.subarray(1, -1);
      const repaired = repairUtf8(bytes, 1, bytes.length - 1);
      const isValid = Buffer.from(text.toString('utf8')).equals(text);
      expect(repaired === null).toBe(isValid);
      if (repaired === null) return;
      expect(Buffer.from(repaired.bytes.toString('utf8')).equals(repaired.bytes)).toBe(true);
      expect(restoreUtf8(repaired.bytes, repaired.at).equals(text)).toBe(true);
      expect(repaired.bytes.length).toBe(text.length + repaired.count * 2);
    }),
    { numRuns: 500 },
  );
});

it('says where the bytes stood, and what they were', () => {
  const repaired = repairUtf8(Buffer.from('a\xffb\x80\x81c', 'latin1'), 0, 6);
  expect(repaired).toMatchObject({ count: 3, at: '1:/w== 3:gIE=' });
  expect(repaired?.bytes.toString()).toBe('a\ufffdb\ufffd\ufffdc');
});

it('takes a character that is U+FFFD for what it is', () => {
  expect(repairUtf8(Buffer.from('\ufffd'), 0, 3)).toBeNull();
});
