import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { filter as filterSchema } from '../../src/config/filter-schema.ts';
import { createFilter } from '../../src/filter/create-filter.ts';
import { newCutter } from './cut.ts';
import { eventLine } from './pipeline-harness.ts';

const THROTTLED = filterSchema.parse({
  redact: { enabled: false },
  throttle: [
    { name: 'all', qps: 0.5, burst: 3 },
    { name: 'twos', when: 'auditID.endsWith("2")', qps: 0.1, burst: 1 },
  ],
});

const START = Date.UTC(2026, 10, 23);

function lines(gaps: readonly number[]): Buffer {
  let instant = START;
  return Buffer.from(gaps.map((gap, at) => eventLine(at, (instant += gap * 1000))).join(''));
}

/** The batches that some lines are cut into, as what is delivered of each and what its throttle said. */
function cutAll(bytes: Buffer, maxEvents: number) {
  const cutter = newCutter({ filter: createFilter(THROTTLED), maxEvents });
  const batches = [];
  cutter.begin(0);
  for (let at = 0; at < bytes.length; ) {
    at = cutter.cut(bytes, at, bytes.length, at);
    const { range, batch, throttled, tally } = cutter.seal('s');
    batches.push({ range, body: batch.bytes.toString('latin1'), throttled, filtered: { ...tally.filtered } });
  }
  return batches;
}

it('what a throttle lets through does not depend on where batches end', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (gaps, size) => {
      const bytes = lines(gaps);
      const whole = cutAll(bytes, 1000).map(({ body }) => body);
      expect(
        cutAll(bytes, size)
          .map(({ body }) => body)
          .join(''),
      ).toBe(whole.join(''));
    }),
  );
});

it('a range that is cut again is throttled as it was, whatever has come since', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(4), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.nat(9)),
      (gaps, size, before) => {
        const bytes = lines(gaps);
        const filter = createFilter(THROTTLED);
        const again = newCutter({ filter, maxEvents: 1000 });
        // Its buckets are in some other state by then.
        const other = lines(before);
        again.begin(0);
        again.cut(other, 0, other.length, 0);
        again.seal('other');
        for (const { range, body, throttled, filtered } of cutAll(bytes, size)) {
          again.begin(range.from, throttled);
          again.cut(bytes, range.from, bytes.length, range.from, range.to);
          const sealed = again.seal('s');
          expect(sealed.batch.bytes.toString('latin1')).toBe(body);
          expect({ ...sealed.tally.filtered }).toEqual(filtered);
          expect(sealed.throttled).toEqual(throttled);
        }
      },
    ),
  );
});
