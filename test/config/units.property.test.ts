import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { bytes, duration, formatBytes, formatDurationMs, parseDurationMs } from '../../src/config/units.ts';
import { parseBytes } from '../../src/config/quantity.ts';

it('a size reads back as it was written', () => {
  const sizes = fc.oneof(
    fc.maxSafeNat(),
    fc.tuple(fc.nat(1023), fc.constantFrom(2 ** 10, 2 ** 20, 2 ** 30, 1e6)).map(([n, unit]) => n * unit),
  );
  fc.assert(
    fc.property(sizes, (size) => {
      expect(parseBytes(formatBytes(size))).toBe(size);
    }),
  );
});

it('a duration reads back as it was written', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (ms) => {
      expect(parseDurationMs(formatDurationMs(ms))).toBe(ms);
    }),
  );
});

it('any text is a size or not in the eyes of the parser and of the pattern for editors alike', () => {
  const schema = z.toJSONSchema(bytes(''), { io: 'input' });
  const text = fc.oneof(fc.string(), fc.stringMatching(/^ ?\d{1,3}(\.\d)?[kKMGT]?i?B? ?$/));
  fc.assert(
    fc.property(text, (size) => {
      expect(parseBytes(size) !== undefined).toBe(new RegExp(schema.pattern as string).test(size));
    }),
    { numRuns: 500 },
  );
});

it('any text is a duration or not in the eyes of the parser and of the pattern for editors alike', () => {
  const schema = z.toJSONSchema(duration(''), { io: 'input' });
  const text = fc.oneof(fc.string(), fc.stringMatching(/^ ?(\d{1,3}(\.\d)?(ms|s|m|h|d|y)){1,3} ?$/));
  fc.assert(
    fc.property(text, (span) => {
      expect(parseDurationMs(span) !== undefined).toBe(new RegExp(schema.pattern as string).test(span));
    }),
    { numRuns: 500 },
  );
});
