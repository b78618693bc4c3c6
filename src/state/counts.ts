import type { Counts } from './checkpoint.ts';

export const NO_COUNTS: Counts = Object.freeze({
  readEvents: 0,
  readBytes: 0,
  delivered: 0,
  deliveredBytes: 0,
  filtered: Object.freeze({}),
  filteredBytes: 0,
  deadLettered: Object.freeze({}),
  deadLetteredBytes: 0,
  lost: Object.freeze({}),
  lostBytes: 0,
  skippedBytes: 0,
});

/** The sum of two accounts. Neither is changed, and `b` may go on growing: nothing of it is part of the sum. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    readEvents: a.readEvents + b.readEvents,
    readBytes: a.readBytes + b.readBytes,
    delivered: a.delivered + b.delivered,
    deliveredBytes: a.deliveredBytes + b.deliveredBytes,
    filtered: addByName(a.filtered, b.filtered),
    filteredBytes: a.filteredBytes + b.filteredBytes,
    deadLettered: addByName(a.deadLettered, b.deadLettered),
    deadLetteredBytes: a.deadLetteredBytes + b.deadLetteredBytes,
    lost: addByName(a.lost, b.lost),
    lostBytes: a.lostBytes + b.lostBytes,
    skippedBytes: a.skippedBytes + b.skippedBytes,
    ...whereAny('filteredBytesBy', a, b),
    ...whereAny('redacted', a, b),
    ...whereAny('trimmed', a, b),
    ...(a.failedConditions === undefined && !b.failedConditions
      ? {}
      : { failedConditions: (a.failedConditions ?? 0) + (b.failedConditions ?? 0) }),
  };
}

/** Most agents cut nothing of a kind: such counts are not written. */
function whereAny<Key extends 'filteredBytesBy' | 'redacted' | 'trimmed'>(key: Key, a: Counts, b: Counts) {
  const sum = addByName(a[key] ?? NONE, b[key] ?? NONE);
  return (sum === NONE ? {} : { [key]: sum }) as { readonly [Name in Key]?: ByName };
}

const NONE: ByName = Object.freeze({});

/** What was read and has no outcome: anything but zeros is a fault. Skipped bytes are no part of what was read. */
export function unaccounted(counts: Counts): { readonly events: number; readonly bytes: number } {
  const outcomes = counts.delivered + total(counts.filtered) + total(counts.deadLettered) + total(counts.lost);
  const bytes = counts.deliveredBytes + counts.filteredBytes + counts.deadLetteredBytes + counts.lostBytes;
  return { events: counts.readEvents - outcomes, bytes: counts.readBytes - bytes };
}

/** The sum over all names. */
export function total(byName: Readonly<Record<string, number>>): number {
  let sum = 0;
  for (const name of Object.keys(byName)) sum += byName[name] as number;
  return sum;
}

type ByName = Readonly<Record<string, number>>;

function addByName(a: ByName, b: ByName): ByName {
  const names = Object.keys(b);
  if (names.length === 0) return a;
  // Through a map, since assigning to an object would take a rule that is named `__proto__` for something else.
  const sums = new Map(Object.entries(a));
  for (const name of names) sums.set(name, (sums.get(name) ?? 0) + (b[name] as number));
  return Object.fromEntries(sums);
}
