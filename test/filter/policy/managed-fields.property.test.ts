import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SLOT } from '../../../src/event/field.ts';
import type { Splice } from '../../../src/filter/filter.ts';
import { cutManagedFields, walkForManagedFields } from '../../../src/filter/policy/managed-fields.ts';
import { eventOf } from '../../event/event-of.ts';
import { choices, write } from '../../event/writing.ts';

const SLOTS = [SLOT.requestObject, SLOT.responseObject];

/** Keys that a body is made of: those that count, and what only looks like them. */
const key = fc.constantFrom(
  'metadata',
  'managedFields',
  'items',
  'rows',
  'object',
  'kind',
  'apiVersion',
  'Fields',
  'otherFields',
  '"managedFields',
  ',"managedFields',
  'x"metadata',
  'managedfields',
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom('Table', 'meta.k8s.io/v1', '"managedFields":[1]', 1, null, [], {}),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
}));
const owned = fc.record({ metadata: fc.record({ managedFields: value, name: fc.string() }), managedFields: value });
const body = fc.oneof(
  value,
  owned,
  fc.record({ items: fc.array(owned), metadata: value }),
  fc.record({
    kind: fc.constantFrom('Table', 'List'),
    apiVersion: fc.constantFrom('meta.k8s.io/v1', 'v1'),
    rows: fc.array(fc.record({ object: owned, cells: fc.array(value) })),
  }),
);

function cuts(line: string): { met: boolean; cut: readonly Splice[]; walked: readonly Splice[] } {
  const event = eventOf(line);
  const [cut, walked]: [Splice[], Splice[]] = [[], []];
  for (const slot of SLOTS) {
    cutManagedFields(event, slot, cut);
    const start = event.valueStart(slot);
    if (start !== -1) walkForManagedFields(event.bytes, start, event.valueEnd(slot), walked);
  }
  return { met: event.managedFields() !== null, cut, walked };
}

test('what the scan has met is what a walk over the bodies finds', () => {
  let found = 0;
  const property = fc.property(body, value, (requestObject, responseObject) => {
    // The other fields hold the same and are no bodies.
    const event = { requestObject, annotations: requestObject, other: requestObject, responseObject };
    const line = JSON.stringify({ ...event, stageTimestamp: '2026-11-23T05:07:15Z' });
    const { met, cut, walked } = cuts(line);
    expect(met).toBe(true);
    expect(cut).toEqual(walked);
    found += cut.length;
  });
  fc.assert(property, { numRuns: 2000 });
  expect(found).toBeGreaterThan(500);
});

test('so it is however the event is written, where the scan leaves it to the walk', () => {
  const property = fc.property(body, fc.nat(), (requestObject, seed) => {
    const line = write({ requestObject, stageTimestamp: '2026-11-23T05:07:15Z' }, choices(seed)).trim();
    const { cut, walked } = cuts(line);
    expect(cut).toEqual(walked);
  });
  fc.assert(property, { numRuns: 500 });
});

test('a list of more items than the scan keeps is walked over', () => {
  const items = Array.from({ length: 1100 }, (_, at) => ({ metadata: { managedFields: [at], name: `pod-${at}` } }));
  const line = { responseObject: { items }, stageTimestamp: '2026-11-23T05:07:15Z' };
  const { met, cut } = cuts(JSON.stringify(line));
  expect(met).toBe(false);
  expect(cut).toHaveLength(1100);
  const fewer = cuts(JSON.stringify({ ...line, responseObject: { items: items.slice(0, 1024) } }));
  expect(fewer.met).toBe(true);
  expect(fewer.cut).toEqual(fewer.walked);
  expect(fewer.cut).toHaveLength(1024);
});

test('keys that end alike, each in the other, are as deep as any', () => {
  const nested = `${'{"aFields":'.repeat(4000)}1${'}'.repeat(4000)}`;
  expect(cuts(`{"requestObject":${nested},"stageTimestamp":"2026-11-23T05:07:15Z"}`)).toMatchObject({
    met: true,
    cut: [],
  });
});
