import * as fc from 'fast-check';
import snappy from 'snappyjs';
import { expect, test } from 'vitest';
import { decodeSnappy } from '../../src/demo/snappy.ts';

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 90 }), fc.integer({ min: 1, max: 40 })), { maxLength: 40 })
  .map((runs) =>
    Buffer.concat(runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => Buffer.from(bytes)))),
  );

test('whatever is compressed is decoded to the same bytes', () => {
  fc.assert(
    fc.property(repetitive, (bytes) => {
      expect(decodeSnappy(Buffer.from(snappy.compress(bytes))).equals(bytes)).toBe(true);
    }),
  );
});

test('any bytes are decoded or refused, and never read past the end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeSnappy(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
