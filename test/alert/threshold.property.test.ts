import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { addTime, addValue } from '../../src/alert/threshold.ts';

const times = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 40 });

test('events in order fire exactly when so many of them lie in one window', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 15 }), (unsorted, count, windowMs) => {
      const all = unsorted.toSorted((a, b) => a - b);
      const kept: number[] = [];
      for (const [at, time] of all.entries()) {
        const within = all.slice(0, at + 1).filter((other) => time - other <= windowMs).length;
        expect(addTime(kept, time, count, windowMs, 5) > 0).toBe(within >= count);
      }
    }),
  );
});

test('whatever the order, it fires when a window is full with the event that came, and never without', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 15 }), (all, count, windowMs) => {
      const kept: number[] = [];
      for (const [at, time] of all.entries()) {
        const before = all.slice(0, at + 1);
        const full = before.some(
          (from) =>
            from <= time &&
            time <= from + windowMs &&
            before.filter((one) => one >= from && one <= from + windowMs).length >= count,
        );
        expect(addTime(kept, time, count, windowMs, 100) > 0).toBe(full);
      }
      expect(kept.length).toBeLessThanOrEqual(2 * count + 40);
    }),
  );
});

test('different values in order fire exactly when so many of them lie in one window', () => {
  const seen = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom('a', 'b', 'c', 'd', 'e')), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(seen, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 15 }), (unsorted, count, windowMs) => {
      const all = unsorted.toSorted(([a], [b]) => a - b);
      const kept = new Map<string, number>();
      for (const [at, [time, value]] of all.entries()) {
        const within = all.slice(0, at + 1).filter(([other]) => time - other <= windowMs);
        const different = new Set(within.map(([, one]) => one)).size;
        expect(addValue(kept, value, time, { count, windowMs, toleranceMs: 5 }) > 0).toBe(different >= count);
      }
    }),
  );
});
