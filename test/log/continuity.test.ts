import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Join } from '../../src/log/continuity.ts';

const T = Date.UTC(2026, 10, 23);
/** The second of three segments of ten minutes each: it begins at T, and is entered. */
function join(changes: Partial<Join>): Join {
  const instants = [T - 600_000, T, T + 600_000];
  return {
    firstMs: T - 3,
    instants,
    previousInstantMs: T,
    previousWrittenMs: null,
    lastReadMs: T - 200,
    ownInstantMs: T + 600_000,
    chained: false,
    watched: false,
    ...changes,
  };
}

describe('a join of two segments', () => {
  it.each([0, 1, 3, 13])('whose first event was made %i ms before the rotation is continuous', (lead) => {
    expect(judge(join({ firstMs: T - lead }))).toBe('continuous');
  });

  it('whose first event came within the millisecond that the name cuts off is continuous', () => {
    expect(judge(join({ firstMs: T + 1 }))).toBe('continuous');
  });

  it.each([2, 50, 599_999])('whose first event came %i ms after the rotation is a gap, proven', (late) => {
    expect(judge(join({ firstMs: T + late }))).toBe('gap');
  });

  it('that was seen to happen is continuous, whatever the clock says', () => {
    expect(judge(join({ firstMs: T + 86_400_000, chained: true }))).toBe('continuous');
  });

  it('with nothing before it is continuous: the log begins there', () => {
    const nothing = { previousInstantMs: null, lastReadMs: null };
    expect(judge(join({ ...nothing, instants: [T + 60_000] }))).toBe('continuous');
    expect(judge(join({ ...nothing, instants: [], firstMs: null }))).toBe('continuous');
  });

  it('behind a rotation that an earlier run knew of, and of which nothing is left, is suspected', () => {
    const nothing = { previousInstantMs: null, lastReadMs: null };
    expect(judge(join({ ...nothing, instants: [T - 60_000] }))).toBe('suspected-gap');
    expect(judge(join({ ...nothing, instants: [T - 60_000], chained: true }))).toBe('continuous');
  });

  it('whose first line is no event is unproven', () => {
    expect(judge(join({ firstMs: null }))).toBe('unproven');
  });

  it('whose first event is much older than the rotation, by less than half a life, is continuous (a slow disk)', () => {
    expect(judge(join({ firstMs: T - 200_000 }))).toBe('continuous');
  });

  it('whose first event is older by more than half a life is unproven (a segment may be missing, or the clock was set)', () => {
    expect(judge(join({ firstMs: T - 400_000 }))).toBe('unproven');
  });

  it('with no neighbour to compare with allows a lead of 50 ms only', () => {
    expect(judge(join({ firstMs: T - 49, instants: [T] }))).toBe('continuous');
    expect(judge(join({ firstMs: T - 60, instants: [T] }))).toBe('unproven');
  });

  it('after a clock that was set back an hour is continuous: the rotation that made it is among the known', () => {
    // Names: …, T (before the step), T - 3600 s + 5 (its successor, written after it).
    const stepped = T - 3_600_000;
    expect(judge(join({ firstMs: stepped - 2, instants: [stepped, T], previousInstantMs: T - 7_200_000 }))).toBe(
      'continuous',
    );
  });

  it('after a clock that was set forward within a segment is continuous', () => {
    const stepped = T + 3_600_000;
    const instants = [T, stepped];
    expect(judge(join({ firstMs: stepped - 4, instants, previousInstantMs: stepped, ownInstantMs: null }))).toBe(
      'continuous',
    );
  });

  it('is not proven by the instant in its own name', () => {
    expect(judge(join({ firstMs: T + 599_990, ownInstantMs: T + 600_000 }))).toBe('gap');
  });

  it('is not proven by a rotation after its own, where files live for milliseconds only', () => {
    const burst = { firstMs: T + 3, previousInstantMs: T, ownInstantMs: T + 6, instants: [T, T + 6, T + 9] };
    expect(judge(join(burst))).toBe('gap');
    // The clock was set back while it was written to.
    expect(judge(join({ ...burst, firstMs: T + 8 }))).toBe('continuous');
  });
});

describe('a join with a file that was renamed and deleted while nobody looked', () => {
  const unseen = { previousInstantMs: null, instants: [T - 600_000, T + 600_000] };

  it.each([-50, 0, 50])('is continuous where it was last written to %i ms before the first event of this one', (ms) => {
    expect(judge(join({ ...unseen, previousWrittenMs: T - ms, firstMs: T }))).toBe('continuous');
  });

  it('is continuous where the last event that was read is as close', () => {
    expect(judge(join({ ...unseen, lastReadMs: T - 20, firstMs: T }))).toBe('continuous');
  });

  it.each([100, 500, 29_000, 400_000])(
    'is a suspected gap %i ms after it ended: others may have come and gone',
    (ms) => {
      expect(judge(join({ ...unseen, previousWrittenMs: T - ms, lastReadMs: T - ms, firstMs: T }))).toBe(
        'suspected-gap',
      );
    },
  );

  it('is a suspected gap within 50 ms, too, where files lived hardly longer than that', () => {
    const quick = { previousInstantMs: null, instants: [T + 40, T + 80], ownInstantMs: T + 40 };
    expect(judge(join({ ...quick, lastReadMs: T - 40, firstMs: T }))).toBe('suspected-gap');
  });

  it('is a suspected gap where it begins before what was read: a clock that was set back proves nothing', () => {
    expect(judge(join({ ...unseen, lastReadMs: T + 500, firstMs: T }))).toBe('suspected-gap');
  });

  it('is continuous where the live name was looked at a moment before', () => {
    expect(judge(join({ ...unseen, lastReadMs: T - 400_000, firstMs: T, watched: true }))).toBe('continuous');
  });
});

it('being watched proves nothing against the names', () => {
  expect(judge(join({ firstMs: T + 50, watched: true }))).toBe('gap');
});

it('a missing segment between two is always noticed, however the lead and the lives vary', () => {
  const lives = fc.array(fc.oneof(fc.integer({ min: 15, max: 40 }), fc.integer({ min: 310, max: 3_600_000 })), {
    minLength: 4,
    maxLength: 8,
  });
  const lead = fc.integer({ min: 0, max: 13 });
  fc.assert(
    fc.property(lives, lead, fc.nat(), (durations, leadMs, pick) => {
      const ends: number[] = [];
      let at = T;
      for (const life of durations) ends.push((at += life));
      // Segment n + 1 is gone, with its name: what follows n begins when n + 1 ended.
      const gone = 1 + (pick % (ends.length - 2));
      const instants = ends.filter((_, index) => index !== gone);
      const firstMs = (ends[gone] as number) - leadMs;
      const previousInstantMs = ends[gone - 1] as number;
      const ownInstantMs = ends[gone + 1] as number;
      expect(judge(join({ firstMs, instants, previousInstantMs, lastReadMs: T, ownInstantMs }))).toBe('gap');
    }),
  );
});

it('no join of a log without gaps is called a gap', () => {
  const lives = fc.array(fc.oneof(fc.integer({ min: 15, max: 40 }), fc.integer({ min: 310, max: 3_600_000 })), {
    minLength: 2,
    maxLength: 8,
  });
  fc.assert(
    fc.property(lives, fc.integer({ min: 0, max: 13 }), (durations, leadMs) => {
      const ends: number[] = [];
      let at = T;
      for (const life of durations) ends.push((at += life));
      for (let index = 1; index < ends.length; index += 1) {
        const previousInstantMs = ends[index - 1] as number;
        const answer = judge(
          join({
            firstMs: previousInstantMs - leadMs,
            instants: ends,
            previousInstantMs,
            lastReadMs: previousInstantMs - 500,
            ownInstantMs: ends[index] as number,
          }),
        );
        expect(answer).toBe('continuous');
      }
    }),
  );
});
