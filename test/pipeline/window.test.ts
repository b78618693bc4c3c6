import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tally } from '../../src/pipeline/tally.ts';
import { type Cut, Window } from '../../src/pipeline/window.ts';
import { NO_COUNTS } from '../../src/state/counts.ts';

function cutOf(segment: string, from: number, to: number, settled = false): Cut {
  return {
    range: { segment, from, to },
    name: `${segment}.log`,
    mark: { offset: to, hash: `${to}` },
    firstMs: to,
    settled,
  };
}

function counts(bytes: number): Tally {
  const tally = new Tally();
  tally.readEvents = 1;
  tally.readBytes = bytes;
  tally.delivered = 1;
  tally.deliveredBytes = bytes;
  return tally;
}

describe('a window', () => {
  it('moves to the end of the longest prefix that is settled, in whatever order it was', () => {
    const window = new Window([], NO_COUNTS);
    const cuts = [cutOf('a', 0, 10), cutOf('a', 10, 20), cutOf('a', 20, 30)];
    for (const cut of cuts) window.push(cut);
    window.settle(cuts[1] as Cut, counts(10));
    expect(window.record('a')?.settled).toBe(0);
    expect(window.ranges.map(({ settled }) => settled)).toEqual([false, true, false]);
    window.settle(cuts[0] as Cut, counts(10));
    expect(window.record('a')).toMatchObject({ settled: 20, done: false, counts: { delivered: 2 } });
    expect(window.isSettled('a')).toBe(false);
    expect(window).toMatchObject({ unsettledBytes: 10, oldestMs: 30 });
    window.settle(cuts[2] as Cut, counts(10));
    expect(window.isSettled('a')).toBe(true);
    expect(window.ranges).toEqual([]);
    expect(window.totals).toMatchObject({ delivered: 3, deliveredBytes: 30 });
  });

  it('passes over ranges of an earlier run that were settled behind one that was not', () => {
    const window = new Window([], NO_COUNTS);
    const lost = cutOf('a', 0, 10);
    window.push(lost);
    window.push(cutOf('b', 0, 5, true));
    window.replace(lost, []);
    expect(window.ranges).toEqual([]);
    expect(window.record('b')?.settled).toBe(5);
    expect(window.record('a')).toBeUndefined();
  });

  it('puts the parts of a range in its place', () => {
    const window = new Window([], NO_COUNTS);
    const whole = cutOf('a', 0, 10);
    window.push(whole);
    window.push(cutOf('a', 10, 20));
    const parts = [cutOf('a', 0, 4), cutOf('a', 4, 10)];
    window.replace(whole, parts);
    expect(window.ranges.map(({ from, to }) => [from, to])).toEqual([
      [0, 4],
      [4, 10],
      [10, 20],
    ]);
    expect(() => window.replace(whole, [])).toThrow('not in the window');
  });

  it('opens a segment again that grows after it was done', () => {
    const window = new Window([], NO_COUNTS);
    window.finish('a', 'a.log', 10);
    expect(window.record('a')).toMatchObject({ done: true, settled: 10 });
    const cut = cutOf('a', 10, 15);
    window.push(cut);
    window.settle(cut, counts(5));
    expect(window.record('a')).toMatchObject({ done: false, settled: 15 });
  });

  it('keeps few marks, the last one and such that stand ever further apart before it', () => {
    const window = new Window([], NO_COUNTS);
    for (let at = 0; at < 1000; at += 1) {
      const cut = cutOf('a', at * 10, at * 10 + 10);
      window.push(cut);
      window.settle(cut, counts(10));
    }
    const offsets = window.record('a')?.marks.map(({ offset }) => offset) ?? [];
    expect(offsets).toHaveLength(8);
    expect(offsets.at(-1)).toBe(10_000);
    expect(offsets.at(-2)).toBeGreaterThan(9900);
    expect(offsets[1]).toBeLessThan(8000);
  });

  it('drops marks that a rewind has made worthless', () => {
    const window = new Window([], NO_COUNTS);
    for (const cut of [cutOf('a', 0, 10), cutOf('a', 10, 20), cutOf('a', 5, 12)]) {
      window.push(cut);
      window.settle(cut, counts(1));
    }
    expect(window.record('a')).toMatchObject({ settled: 12, marks: [{ offset: 10 }, { offset: 12 }] });
  });

  it('never lets the cursor come ahead of a settlement, nor the account', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        const window = new Window([], NO_COUNTS);
        const open: Cut[] = [];
        const ranges: Cut[] = [];
        const ends = new Map<string, number>();
        let settledBytes = 0;
        for (const [length, choice, push] of all) {
          if (push || open.length === 0) {
            const segment = ['a', 'b', 'c'][Math.floor(ranges.length / 7) % 3] as string;
            const from = ends.get(segment) ?? 0;
            ends.set(segment, from + length);
            const cut = cutOf(segment, from, from + length);
            ranges.push(cut);
            open.push(cut);
            window.push(cut);
          } else {
            const [cut] = open.splice(choice % open.length, 1) as [Cut];
            window.settle(cut, counts(cut.range.to - cut.range.from));
            settledBytes += cut.range.to - cut.range.from;
          }
          for (const { id, settled } of window.records) {
            for (const { range, settled: is } of ranges) {
              if (range.segment === id && range.to <= settled) expect(is).toBe(true);
            }
          }
          expect(window.totals.deliveredBytes).toBe(settledBytes);
          expect(window.unsettledBytes).toBe(open.reduce((sum, { range }) => sum + range.to - range.from, 0));
        }
        for (const cut of open) window.settle(cut, counts(1));
        expect(window.ranges).toEqual([]);
        for (const [segment, end] of ends) expect(window.record(segment)?.settled).toBe(end);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('knows segments of one first line, and takes none for another', () => {
    const window = new Window([], NO_COUNTS);
    for (const id of ['a', 'a-2', 'a-22', 'ab', 'b']) window.begin(id, `${id}.log`, 0);
    expect(window.alike('a').map(({ id }) => id)).toEqual(['a', 'a-2', 'a-22']);
    expect(window.alike('a-2').map(({ id }) => id)).toEqual(['a-2']);
    window.forget('a-2');
    window.forget('b');
    expect(window.alike('a').map(({ id }) => id)).toEqual(['a', 'a-22']);
    expect(window.alike('b')).toEqual([]);
  });
});
