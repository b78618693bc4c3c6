import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LEVELS } from '../../../src/filter/policy/policy.ts';
import { choices, write } from '../../event/writing.ts';
import { lowered } from './recorded-levels.ts';

type Json = Record<string, unknown>;

const meta = fc.record(
  { name: fc.string(), managedFields: fc.jsonValue(), labels: fc.constant({ managedFields: 'x' }) },
  { requiredKeys: [] },
);
const object = fc.record(
  {
    kind: fc.constantFrom('Pod', 'Table'),
    metadata: fc.oneof(meta, fc.constant(null)),
    spec: fc.record({ metadata: meta }),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  fc.jsonValue(),
  object,
  fc.record({ kind: fc.constant('PodList'), items: fc.array(fc.oneof(object, fc.jsonValue())), metadata: meta }),
  fc.record({
    rows: fc.array(fc.record({ cells: fc.array(fc.string()), object: fc.oneof(object, fc.constant(null)) })),
    apiVersion: fc.constantFrom('meta.k8s.io/v1', 'v1'),
    kind: fc.constantFrom('Table', 'Sheet'),
  }),
);
const annotations = fc.dictionary(
  fc.oneof(fc.constantFrom('patch.webhook.admission.k8s.io/a', 'audit.k8s.io/truncated'), fc.string()),
  fc.string(),
);
const event = fc.record(
  {
    level: fc.oneof(fc.constantFrom(...LEVELS.slice(1)), fc.string()),
    verb: fc.constantFrom('get', 'patch'),
    requestObject: body,
    responseObject: body,
    annotations,
    other: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const order = fc.shuffledSubarray(
  ['level', 'verb', 'requestObject', 'responseObject', 'annotations', 'other', 'stageTimestamp'],
  { minLength: 7 },
);

test('lowering an event on its bytes is parsing it, taking out what the level does not hold, and writing it', () => {
  fc.assert(
    fc.property(
      event,
      order,
      fc.constantFrom(...LEVELS.slice(1)),
      fc.boolean(),
      fc.nat(),
      (some, keys, level, omit, seed) => {
        const there: Json = { ...some, stageTimestamp: '2026-01-01T00:00:00Z' };
        const members = keys.filter((key) => key in there).map((key) => [key, there[key]] as const);
        const choose = choices(seed);
        // Bodies are written as the API server does, without escapes in keys; all else in any way that JSON allows.
        const texts = members.map(([key, value]) => {
          const isBody = key.endsWith('Object');
          return `${write(key, choose)}:${isBody ? ` ${JSON.stringify(value)} ` : write(value, choose)}`;
        });
        const line = `{${texts.join(',')}}`;
        const result = JSON.parse(lowered(line, level, omit)) as Json;
        const expected = reference(JSON.parse(line) as Json, level, omit);
        expect(JSON.stringify(result)).toBe(JSON.stringify(expected));
      },
    ),
    { numRuns: 1500 },
  );
});

function reference(parsed: Json, level: string, omit: boolean): Json {
  const copy = structuredClone(parsed);
  const rank = LEVELS.findIndex((name) => name === level);
  const recorded = LEVELS.findIndex((name) => name === copy['level']);
  if (recorded > rank) copy['level'] = level;
  if (rank < 3) delete copy['responseObject'];
  else if (omit) strip(copy['responseObject']);
  if (rank >= 2) {
    if (omit && copy['verb'] !== 'patch') strip(copy['requestObject']);
    return copy;
  }
  delete copy['requestObject'];
  const texts = copy['annotations'];
  if (!isObject(texts) || (recorded !== -1 && recorded <= rank)) return copy;
  const kept = Object.entries(texts).filter(
    ([key]) => !key.startsWith('patch.webhook.admission.k8s.io/') && key !== 'audit.k8s.io/truncated',
  );
  if (kept.length === 0 && Object.keys(texts).length > 0) delete copy['annotations'];
  else copy['annotations'] = Object.fromEntries(kept);
  return copy;
}

function strip(value: unknown): void {
  if (!isObject(value)) return;
  stripObject(value);
  if (Array.isArray(value['items'])) value['items'].forEach(stripObject);
  const isTable = value['kind'] === 'Table' && String(value['apiVersion']).startsWith('meta.k8s.io/');
  if (isTable && Array.isArray(value['rows'])) {
    for (const row of value['rows']) if (isObject(row)) stripObject(row['object']);
  }
}

function stripObject(value: unknown): void {
  if (isObject(value) && isObject(value['metadata'])) delete value['metadata']['managedFields'];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
