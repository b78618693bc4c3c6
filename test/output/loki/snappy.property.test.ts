import * as fc from 'fast-check';
import snappyjs from 'snappyjs';
import { expect, it } from 'vitest';
import { compress } from '../../../src/output/loki/snappy.ts';

it('what is compressed comes back, also across the 64 KiB blocks of the format', () => {
  const run = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 400 }));
  fc.assert(
    fc.property(fc.array(run, { maxLength: 4 }), (runs) => {
      const bytes = Buffer.concat(runs.flatMap(([piece, times]) => Array.from({ length: times }, () => piece)));
      expect(snappyjs.uncompress(compress(bytes)).equals(bytes)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
