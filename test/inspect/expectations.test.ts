import { expect, it } from 'vitest';
import { compileExpression } from '../../src/filter/expression.ts';
import type { Expectation } from '../../src/inspect/expectation-file.ts';
import { ExpectationRun } from '../../src/inspect/expectations.ts';
import type { OpenedFilter } from '../../src/inspect/opened-filter.ts';
import { openFilter } from '../../src/inspect/opened-filter.ts';
import { parseValuePath } from '../../src/inspect/value-path.ts';
import { eventOf } from '../event/event-of.ts';

const SECRET = {
  level: 'RequestResponse',
  auditID: 's',
  verb: 'create',
  objectRef: { resource: 'secrets' },
  responseObject: { data: { password: 'hunter2', empty: '' } },
  stageTimestamp: '2026-11-23T05:07:04.591933Z',
};
const LEASE = { ...SECRET, auditID: 'l', objectRef: { resource: 'leases' }, responseObject: { kind: 'Lease' } };

const LEASES = openFilter('f', { keep: [], drop: [{ name: 'leases', when: 'objectRef.resource == "leases"' }] });

/** Takes the value of the password away. */
const REDACTING: OpenedFilter = {
  ...LEASES,
  filter: {
    ...LEASES.filter,
    judge: ({ bytes }) => {
      const start = bytes.indexOf('"hunter2"');
      return start === -1
        ? { type: 'pass' }
        : { type: 'edit', splices: [{ start, end: start + 9, with: Buffer.from('"-"') }] };
    },
  },
};

function words(filter: OpenedFilter, when: string, expected: Partial<Expectation>, noValue: readonly string[] = []) {
  const compiled = compileExpression(when);
  if (!compiled.ok) throw new Error(compiled.message);
  const run = new ExpectationRun(filter, [
    {
      name: 'x',
      place: 'x',
      line: 1,
      auditID: undefined,
      stage: undefined,
      count: undefined,
      outcome: 'delivered',
      rule: undefined,
      level: undefined,
      when: compiled.holds,
      noValue: noValue.map((text) => ({ text, path: parseValuePath(text) ?? [] })),
      ...expected,
    },
  ]);
  run.see(eventOf(SECRET), { name: 'audit.log', line: 1 });
  run.see(eventOf(LEASE), { name: 'audit.log', line: 2 });
  return run.end().flatMap(({ failures }) => failures.map((failure) => failure.words));
}

it('holds what is delivered and dropped to what was expected', () => {
  const leases = 'objectRef.resource == "leases"';
  expect(words(LEASES, leases, { outcome: 'dropped', rule: 'leases' })).toEqual([]);
  expect(words(LEASES, leases, { outcome: 'dropped' })).toEqual([]);
  expect(words(LEASES, leases, {})).toEqual(['expected to be delivered, but is dropped by leases']);
  expect(words(LEASES, leases, { outcome: 'dropped', rule: 'others' })).toEqual([
    'expected to be dropped by others, but is by leases',
  ]);
  expect(words(LEASES, 'true', { outcome: 'dropped', rule: 'leases' })).toEqual([
    'expected to be dropped by leases, but is delivered',
  ]);
});

it('holds the level of what is delivered to what was expected', () => {
  expect(words(LEASES, 'auditID == "s"', { level: 'RequestResponse' })).toEqual([]);
  expect(words(LEASES, 'auditID == "s"', { level: 'Metadata' })).toEqual([
    'expected at level Metadata, but is delivered at "RequestResponse"',
  ]);
});

it('sees a value that should not be seen, and does not print it', () => {
  const path = ['responseObject.data'];
  const [said] = words(LEASES, 'auditID == "s"', {}, path);
  expect(said).toBe('expected no value at responseObject.data, but 1 of 1 can be seen');
  expect(words(REDACTING, 'auditID == "s"', {}, path)).toEqual([]);
});

it('takes no proof from events in which there was nothing to hide', () => {
  expect(words(REDACTING, 'auditID == "s"', {}, ['responseObject.date'])).toEqual([
    'nothing was recorded at responseObject.date in any of these events: this proves nothing',
  ]);
  expect(words(REDACTING, 'auditID == "s"', {}, ['responseObject.data.empty'])).toHaveLength(1);
});

it('is not content with no event, nor with another number of them', () => {
  expect(words(LEASES, 'verb == "delete"', {})).toEqual(['expected at least one event to be meant, but none is']);
  expect(words(REDACTING, 'true', { count: 2 })).toEqual([]);
  expect(words(REDACTING, 'true', { count: 3 })).toEqual(['expected 3 events to be meant, but it is 2']);
  expect(words(LEASES, 'requestObject.spec.x == 1', {})).toEqual([
    expect.stringMatching(/but none is \(on some it could not be worked out: No such key: spec\)/),
  ]);
});

it('remembers the first failures only, and how many there are', () => {
  const run = new ExpectationRun(LEASES, [
    {
      name: 'x',
      place: 'x',
      line: 1,
      when: undefined,
      auditID: 's',
      stage: undefined,
      count: undefined,
      outcome: 'dropped',
      rule: undefined,
      level: undefined,
      noValue: [],
    },
  ]);
  for (let line = 1; line <= 100; line += 1) run.see(eventOf(SECRET), { name: 'audit.log', line });
  expect(run.end()).toMatchObject([{ events: 100, failureCount: 100, failures: { length: 5 } }]);
});
