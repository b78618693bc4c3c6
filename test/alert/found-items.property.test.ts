import { array, assert, constant, dictionary, integer, oneof, property, record, string } from 'fast-check';
import { expect, test } from 'vitest';
import { FoundItems } from '../../src/alert/found-items.ts';
import { foundIn, type FoundRecord } from '../../src/alert/found-record.ts';
import type { Facts, Found } from '../../src/alert/match.ts';
import { BatchBuilder } from '../../src/pipeline/batch.ts';

const text = oneof(
  string(),
  string({ unit: 'binary' }),
  constant('\ud800'),
  constant('a\n"\\'),
  constant('ü'.repeat(9000)),
);
const match = record({
  rule: text,
  hash: text,
  group: array(text, { maxLength: 3 }),
  value: text,
  shown: dictionary(
    text.filter((name) => name !== '__proto__'),
    text,
    { maxKeys: 2 },
  ),
});
const FACTS: Facts = {
  time: '2026-11-23T10:00:00Z',
  auditID: 'id',
  stage: 'ResponseComplete',
  verb: 'get',
  user: 'alice',
  resource: 'pods',
  namespace: 'shop',
  name: 'db',
  path: '/api',
  code: 200,
  sourceIPs: '10.1.2.3',
  userAgent: 'kubectl',
};
const found = record({
  occurrence: text,
  request: text,
  timeMs: integer(),
  matches: array(match, { maxLength: 3 }),
  facts: oneof(constant(null), constant(FACTS)),
});

/** Of what nobody is told of, nothing is shown. */
function kept(one: Found): Found {
  return one.facts === null ? { ...one, matches: one.matches.map((each) => ({ ...each, shown: {} })) } : one;
}

test('what was found comes out of the batch and out of the journal as it went in, with its place', () => {
  assert(
    property(array(found, { minLength: 1, maxLength: 5 }), (all) => {
      const items = new FoundItems();
      const builder = new BatchBuilder(1024);
      for (const [at, one] of all.entries()) {
        const start = builder.length;
        items.put(one, builder);
        builder.add(start, at * 100);
      }
      const segment = 'a-long-name-of-a-segment';
      const batch = builder.seal('key', 'kube', { segment, from: 0, to: 1000 });
      const placed = all.map((one, at) => ({
        ...kept(one),
        occurrence: `${segment.slice(0, 16)}:${at * 100}:${one.occurrence}`,
      }));
      expect(all.map((_, item) => items.of(batch, item))).toEqual(placed);
      const json = items.recordOf(batch, [...all.keys()], []).toString();
      expect(json).not.toContain('\n');
      expect(foundIn(JSON.parse(json) as FoundRecord)).toEqual(placed);
    }),
    { numRuns: 200 },
  );
});
