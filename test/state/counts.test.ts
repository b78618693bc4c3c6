import { expect, test } from 'vitest';
import type { Counts } from '../../src/state/checkpoint.ts';
import { addCounts, NO_COUNTS, unaccounted } from '../../src/state/counts.ts';

const some: Counts = {
  readEvents: 10,
  readBytes: 1000,
  delivered: 4,
  deliveredBytes: 400,
  filtered: { leases: 2, events: 1 },
  filteredBytes: 300,
  deadLettered: { mapping: 2 },
  deadLetteredBytes: 200,
  lost: { 'too-old': 1 },
  lostBytes: 100,
  skippedBytes: 5,
};

test('nothing added changes nothing', () => {
  expect(addCounts(some, NO_COUNTS)).toEqual(some);
  expect(addCounts(NO_COUNTS, some)).toEqual(some);
});

test('every number is added, those by name under their name', () => {
  const more = { ...some, filtered: { events: 5, secrets: 7 }, lost: {} };
  expect(addCounts(some, more)).toEqual({
    readEvents: 20,
    readBytes: 2000,
    delivered: 8,
    deliveredBytes: 800,
    filtered: { leases: 2, events: 6, secrets: 7 },
    filteredBytes: 600,
    deadLettered: { mapping: 4 },
    deadLetteredBytes: 400,
    lost: { 'too-old': 1 },
    lostBytes: 200,
    skippedBytes: 10,
  });
  expect(some.filtered).toEqual({ leases: 2, events: 1 });
});

test('the sum does not change when what was added grows', () => {
  const growing = { ...some, filtered: { leases: 1 } as Record<string, number> };
  const sum = addCounts(NO_COUNTS, growing);
  growing.filtered['leases'] = 2;
  expect(sum.filtered).toEqual({ leases: 1 });
});

test('a rule may be named like something of the language', () => {
  const odd = { ...NO_COUNTS, filtered: JSON.parse('{"__proto__":1,"constructor":2}') as Record<string, number> };
  const sum = addCounts(odd, odd).filtered;
  expect(JSON.stringify(sum)).toBe('{"__proto__":2,"constructor":4}');
});

test('what has no outcome is seen', () => {
  expect(unaccounted(some)).toEqual({ events: 0, bytes: 0 });
  expect(unaccounted({ ...some, readEvents: 12, readBytes: 1234 })).toEqual({ events: 2, bytes: 234 });
});
