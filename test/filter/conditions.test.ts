import { expect, test } from 'vitest';
import { createConditions } from '../../src/filter/conditions.ts';
import type { Filter } from '../../src/filter/filter.ts';
import { eventOf } from '../event/event-of.ts';

const LEASE = { verb: 'update', objectRef: { resource: 'leases' }, stageTimestamp: '2024-01-01T00:00:00.000000Z' };
const POD = { verb: 'get', objectRef: { resource: 'pods' }, stageTimestamp: '2024-01-01T00:00:00.000000Z' };
const leases = { name: 'leases', when: 'objectRef.resource == "leases"' };
const reads = { name: 'reads', when: 'verb in ["get", "list", "watch"]' };
const fails = { name: 'fails', when: 'requestObject.spec.replicas > 3' };

/** The name of the rule that takes the event away, or `pass`. */
function outcome(filter: Filter, event: object): string {
  const verdict = filter.judge(eventOf(event));
  return verdict.type === 'drop' ? (filter.rules[verdict.rule] as string) : verdict.type;
}

test('an empty filter lets everything pass and has no rules', () => {
  const filter = createConditions({ keep: [], drop: [] });
  expect(outcome(filter, POD)).toBe('pass');
  expect(filter.rules).toEqual([]);
  expect(filter.hash).toBe('none');
});

test('an event is dropped by the first rule that matches, under its name', () => {
  const filter = createConditions({ keep: [], drop: [leases, reads, { name: 'all', when: 'true' }] });
  expect(outcome(filter, LEASE)).toBe('leases');
  expect(outcome(filter, POD)).toBe('reads');
  expect(outcome(filter, { ...POD, verb: 'create' })).toBe('all');
});

test('where there are keep rules, one must match; what none matches is dropped by the rule called keep', () => {
  const filter = createConditions({ keep: [leases, reads], drop: [] });
  expect(outcome(filter, LEASE)).toBe('pass');
  expect(outcome(filter, POD)).toBe('pass');
  expect(outcome(filter, { ...POD, verb: 'delete' })).toBe('keep');
});

test('drop wins over keep', () => {
  const filter = createConditions({ keep: [reads], drop: [{ name: 'pods', when: 'objectRef.resource == "pods"' }] });
  expect(outcome(filter, POD)).toBe('pods');
  expect(filter.rules).toEqual(['pods', 'keep']);
});

test('an expression that fails on an event keeps it and is counted, as a drop rule', () => {
  const filter = createConditions({ keep: [], drop: [fails, leases] });
  expect(outcome(filter, POD)).toBe('pass');
  expect(filter.failures()).toBe(1);
  expect(outcome(filter, LEASE)).toBe('leases');
  expect(filter.failures()).toBe(2);
  expect(outcome(filter, { ...POD, requestObject: { spec: { replicas: 4 } } })).toBe('fails');
  expect(filter.failures()).toBe(2);
});

test('an expression that fails on an event keeps it and is counted, as a keep rule', () => {
  const filter = createConditions({ keep: [fails], drop: [] });
  expect(outcome(filter, POD)).toBe('pass');
  expect(filter.failures()).toBe(1);
  expect(outcome(filter, { ...POD, requestObject: { spec: { replicas: 3 } } })).toBe('keep');
  expect(filter.failures()).toBe(1);
});

test('a body too deep to be walked keeps the event and is counted', () => {
  const filter = createConditions({ keep: [], drop: [{ name: 'deep', when: 'has(requestObject.a)' }] });
  const deep = `{"stageTimestamp":"2024-01-01T00:00:00Z","requestObject":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`;
  expect(filter.judge(eventOf(deep)).type).toBe('pass');
  expect(filter.failures()).toBe(1);
});

test('the hash changes with the expressions and the list they stand in', () => {
  const hashes = [
    createConditions({ keep: [], drop: [leases] }),
    createConditions({ keep: [leases], drop: [] }),
    createConditions({ keep: [], drop: [reads] }),
    createConditions({ keep: [], drop: [leases, reads] }),
    createConditions({ keep: [], drop: [] }),
  ].map(({ hash }) => hash);
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes[0]).toMatch(/^[0-9a-f]{16}$/);
});

test('the hash stays with other names and another order, which change nothing of what passes', () => {
  const one = createConditions({ keep: [], drop: [leases, reads] });
  const other = createConditions({
    keep: [],
    drop: [
      { name: 'r', when: ` ${reads.when}\n` },
      { ...leases, name: 'l' },
    ],
  });
  expect(other.hash).toBe(one.hash);
});

test('an unsound expression is refused with its rule and a caret under the place', () => {
  const when = 'verb == "get" &&\n  objectRef.resourc == "pods"';
  expect(() => createConditions({ keep: [], drop: [leases, { name: 'pods', when }] })).toThrow(
    [
      'filter rule pods: no such field: objectRef.resourc',
      '  >   objectRef.resourc == "pods"',
      '                ^',
    ].join('\n'),
  );
});
