import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/output/retry-after.ts';

it('never asks for a negative, an infinite or an endless wait', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.nat().map(String),
        fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      ),
      fc.nat(),
      (text, now) => {
        const waitMs = parseRetryAfter(text, now);
        if (waitMs === undefined) return;
        expect(Number.isFinite(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(3_600_000);
      },
    ),
  );
});

it('reads back the date that it is given, to the second', () => {
  const within = fc.integer({ min: 0, max: 3600 });
  fc.assert(
    fc.property(within, (seconds) => {
      const now = Date.parse('2026-11-23T05:00:00Z');
      expect(parseRetryAfter(new Date(now + seconds * 1000).toUTCString(), now)).toBe(seconds * 1000);
    }),
  );
});
