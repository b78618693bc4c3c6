import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Tally } from '../../src/inspect/tally.ts';
import { Timeline } from '../../src/inspect/timeline.ts';

const additions = fc.array(
  fc.record({ value: fc.constantFrom('__proto__', 'constructor', '', 'a', 'b', 'c', 'd'), bytes: fc.nat(1000) }),
);

function slow(list: readonly { value: string; bytes: number }[]) {
  return [...new Set(list.map(({ value }) => value))]
    .map((value) => {
      const own = list.filter((one) => one.value === value);
      return { value, events: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
    })
    .sort((a, b) => b.bytes - a.bytes || b.events - a.events || (a.value < b.value ? -1 : 1));
}

it('is exact while there are few values, whatever they are called', () => {
  fc.assert(
    fc.property(additions, fc.integer({ min: 1, max: 9 }), (list, top) => {
      const tally = new Tally(10);
      for (const { value, bytes } of list) tally.add(value, bytes, 0);
      const { values, rest, restValues } = tally.top(top);
      const expected = slow(list);
      expect(values).toEqual(expected.slice(0, top).map((one) => ({ ...one, delivered: 0 })));
      expect(restValues).toBe(Math.max(0, expected.length - top));
      expect(rest.events).toBe(expected.slice(top).reduce((sum, { events }) => sum + events, 0));
      expect(tally.exact).toBe(true);
    }),
  );
});

it('never has too much of a value, and with the others never too little of all', () => {
  const many = fc.array(fc.record({ value: fc.nat(30).map(String), bytes: fc.nat(1000) }), { size: 'large' });
  fc.assert(
    fc.property(many, (list) => {
      const tally = new Tally(3);
      for (const { value, bytes } of list) tally.add(value, bytes, bytes);
      const { values, rest } = tally.top(3);
      const exact = new Map(slow(list).map((one) => [one.value, one]));
      for (const { value, bytes, events } of values) {
        expect(bytes).toBeLessThanOrEqual(exact.get(value)?.bytes ?? -1);
        expect(events).toBeLessThanOrEqual(exact.get(value)?.events ?? -1);
        expect(bytes + tally.others.bytes).toBeGreaterThanOrEqual(exact.get(value)?.bytes ?? 0);
      }
      const all = values.reduce((sum, { bytes }) => sum + bytes, rest.bytes);
      expect(all).toBe(list.reduce((sum, { bytes }) => sum + bytes, 0));
      expect(rest.delivered + values.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(all);
    }),
  );
});

it('keeps the great ones among a million users, in bounded memory', () => {
  const tally = new Tally(100);
  for (let at = 0; at < 1_000_000; at += 1) tally.add(at % 10 === 0 ? 'often' : `user-${at}`, 10, 0);
  expect(tally.size).toBeLessThanOrEqual(200);
  const { values, rest } = tally.top(1);
  expect(values).toEqual([{ value: 'often', events: 100_000, bytes: 1_000_000, delivered: 0 }]);
  expect(rest).toEqual({ events: 900_000, bytes: 9_000_000, delivered: 0 });
  expect(tally.exact).toBe(false);
});

it('cuts values that are long', () => {
  const tally = new Tally(10);
  tally.add('x'.repeat(1_000_000), 1, 0);
  expect(tally.top(1).values[0]?.value).toBe(`${'x'.repeat(256)}…`);
});

it('has a slice for all bytes, and never too many slices, whatever the clock did', () => {
  const times = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: -(10 ** 9), max: 10 ** 10 })));
  fc.assert(
    fc.property(times, (list) => {
      const timeline = new Timeline();
      for (const seconds of list) timeline.add(seconds, 2, 1);
      const slices = timeline.slices();
      expect(slices.length).toBeLessThanOrEqual(240);
      expect(slices.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(list.length * 2);
      expect(slices.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(list.length);
      for (const seconds of list) {
        const inside = slices.filter(
          ({ startSeconds }) => seconds >= startSeconds && seconds < startSeconds + timeline.widthSeconds,
        );
        expect(inside).toHaveLength(1);
        expect(inside[0]?.bytes).toBeGreaterThan(0);
      }
    }),
  );
});
