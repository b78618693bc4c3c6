import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { downgrade } from '../../../src/filter/policy/downgrade.ts';
import { eventOf } from '../../event/event-of.ts';
import { FIXTURE, lowered, type RecordedLevels } from './recorded-levels.ts';

const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8')) as RecordedLevels;
const TIME = '"stageTimestamp":"2026-01-01T00:00:00Z"';

describe('an event that is lowered is what an API server wrote of the same request', () => {
  test.each(recorded.lowered)('at level $level, omitManagedFields: $omitManagedFields', (real) => {
    const { level, omitManagedFields, events } = real;
    const byId = new Map(events.map((line) => [idOf(line), line]));
    const pairs = recorded.full.filter((line) => byId.has(idOf(line)));
    expect(pairs.length).toBeGreaterThan(25);
    for (const line of pairs) expect(lowered(line, level, omitManagedFields)).toBe(byId.get(idOf(line)));
  });
});

function idOf(line: string): string {
  const { auditID, stage } = JSON.parse(line) as { auditID: string; stage: string };
  return `${auditID} ${stage}`;
}

test('a lower event is never raised, and not touched', () => {
  const event = eventOf(`{"level":"Metadata","verb":"get",${TIME}}`);
  for (const level of ['Metadata', 'Request', 'RequestResponse'] as const) {
    expect(downgrade(event, level, true)).toEqual([]);
  }
});

test('no body passes a rule that forbids it, whatever the event says of its level', () => {
  for (const level of ['"Metadata"', '"Full"', '5', 'null']) {
    const line = `{"level":${level},${TIME},"requestObject":{"a":1},"responseObject":{"b":2}}`;
    expect(lowered(line, 'Request', false)).toBe(`{"level":${level},${TIME},"requestObject":{"a":1}}`);
    expect(lowered(line, 'Metadata', false)).toBe(`{"level":${level},${TIME}}`);
  }
});

test('members go with one comma each, wherever they stand', () => {
  const one = '"requestObject":{"a":[1,"}"]}';
  const other = '"responseObject": null';
  for (const [before, after] of [
    [`{${one},${other},${TIME}}`, `{${TIME}}`],
    [`{ ${one} , ${other} , ${TIME} }`, `{   ${TIME} }`],
    [`{${TIME},${one},"verb":"get",${other}}`, `{${TIME},"verb":"get"}`],
    [`{${one},${TIME},${other}}`, `{${TIME}}`],
    [`{${other},${one},${TIME},"annotations":{"patch.webhook.admission.k8s.io/a":"b"}}`, `{${TIME}}`],
  ] as const) {
    expect(lowered(before, 'Metadata', false)).toBe(after);
  }
});

test('annotations that the API server writes at a higher level only go with the bodies', () => {
  const patch = '"patch.webhook.admission.k8s.io/round_0_index_0":"{}"';
  const other = '"authorization.k8s.io/decision":"allow"';
  const truncated = '"audit.k8s.io/truncated":"true"';
  const line = `{"level":"Request",${TIME},"annotations":{${truncated},${other},${patch}}}`;
  expect(lowered(line, 'Request', false)).toBe(line);
  expect(lowered(line, 'Metadata', false)).toBe(`{"level":"Metadata",${TIME},"annotations":{${other}}}`);
});

test('managed fields of a patch stay, as the API server records a patch as it came', () => {
  const body = '"requestObject":{"metadata":{"managedFields":[]}}';
  const line = `{"level":"Request","verb":"patch",${TIME},${body}}`;
  expect(lowered(line, 'Request', true)).toBe(line);
});

function meta(more: string): string {
  return `{"metadata":{"name":"a",${more}"uid":"b"},"spec":{"metadata":{"managedFields":[1]}}}`;
}

test('managed fields go from objects, from items of lists and from rows of tables, and from nowhere else', () => {
  const owned = meta('"managedFields":[{"manager":"x"}],');
  const bodies = [
    [owned, meta('')],
    ['{"metadata":{"managedFields":[]}}', '{"metadata":{}}'],
    [
      `{"kind":"PodList","metadata":{},"items":[${owned},${owned}]}`,
      `{"kind":"PodList","metadata":{},"items":[${meta('')},${meta('')}]}`,
    ],
    [
      `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"rows":[{"cells":["a"],"object":${owned}},{"object":null}]}`,
      `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"rows":[{"cells":["a"],"object":${meta('')}},{"object":null}]}`,
    ],
    [`{"kind":"Table","apiVersion":"shop/v1","rows":[{"object":${owned}}]}`, undefined],
    ['{"metadata":{"labels":{"managedFields":"x"}},"data":{"managedFields":"\\"managedFields\\":"}}', undefined],
    ['[{"metadata":{"managedFields":[]}}]', undefined],
    ['{"items":{"metadata":{"managedFields":[]}},"rows":[],"metadata":"managedFields"}', undefined],
  ] as const;
  for (const [before, after] of bodies) {
    const line = (body: string) => `{"level":"RequestResponse","verb":"get",${TIME},"responseObject":${body}}`;
    expect(lowered(line(before), 'RequestResponse', true)).toBe(line(after ?? before));
  }
});
