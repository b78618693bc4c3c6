import { expect, test } from 'vitest';
import { createTrimmer } from '../../../src/filter/trim/trimmer.ts';
import { pathOf, trim } from './trimming.ts';

const TIME = { stageTimestamp: '2026-11-23T05:07:15.125160Z' };
const FIELDS = [{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }];

function hashOf(managedFields: boolean, ...paths: readonly string[]): string {
  return createTrimmer({ managedFields, paths: paths.map(pathOf) }).hash;
}

test('managed fields go from both bodies, lists and tables, and it is said how many did', () => {
  const object = { metadata: { name: 'a', managedFields: FIELDS }, spec: { managedFields: FIELDS } };
  const table = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [{ cells: ['a'], object }] };
  const bare = { metadata: { name: 'a' }, spec: object.spec };
  expect(trim({ requestObject: { ...object, items: [object, object] }, responseObject: table, ...TIME }, true)).toEqual(
    {
      requestObject: { ...bare, items: [bare, bare] },
      responseObject: { ...table, rows: [{ cells: ['a'], object: bare }] },
      ...TIME,
      annotations: { 'auditail.io/trimmed': 'managed-fields=4' },
    },
  );
});

test('what has nothing to trim stays as it is', () => {
  const event = { requestObject: { metadata: { name: 'a' }, text: '"managedFields":[]' }, ...TIME };
  expect(trim(event, true, 'responseObject', 'requestObject.spec.x', 'requestObject.metadata.name.x')).toEqual(event);
  expect(trim({ ...event, requestObject: { metadata: { managedFields: FIELDS } } }, false)).toEqual({
    ...event,
    requestObject: { metadata: { managedFields: FIELDS } },
  });
});

test('paths lead to keys, whatever they are called and however they are written', () => {
  const line = `{"requestObject":{"sp\\u0065c":{"a.b":1,"c":[{"d":1,"e":2},{"d":3}]},"k":1,"k":2},"annotations":{"x":"y"},"stageTimestamp":"${TIME.stageTimestamp}"}`;
  const out = trim(line, false, 'requestObject.spec["a.b"]', 'requestObject.spec.c[].d', 'requestObject.k');
  expect(out['requestObject']).toEqual({ spec: { c: [{ e: 2 }, {}] } });
  expect(out['annotations']).toEqual({ 'auditail.io/trimmed': 'path=5', x: 'y' });
  expect(trim(line, false, 'requestObject.*.c')['requestObject']).toEqual({ spec: { 'a.b': 1 }, k: 2 });
  expect(trim(line, false, 'requestObject')).toEqual({
    annotations: { 'auditail.io/trimmed': 'path=1', x: 'y' },
    ...TIME,
  });
});

test('neighbours that go for different reasons leave valid JSON', () => {
  for (const order of [
    ['managedFields', 'labels', 'name'],
    ['labels', 'managedFields', 'name'],
    ['name', 'labels', 'managedFields'],
  ]) {
    const metadata = Object.fromEntries(order.map((key) => [key, key === 'managedFields' ? FIELDS : key]));
    const out = trim({ requestObject: { metadata }, ...TIME }, true, 'requestObject.metadata.labels');
    expect(out['requestObject']).toEqual({ metadata: { name: 'name' } });
  }
});

test('the hash changes with what is trimmed, and there is none where nothing is', () => {
  expect(hashOf(false)).toBe('none');
  expect(new Set([hashOf(true), hashOf(true, 'userAgent'), hashOf(false, 'userAgent'), hashOf(false)]).size).toBe(4);
  expect(hashOf(true, 'userAgent', 'requestObject.a')).toBe(hashOf(true, 'requestObject["a"]', 'userAgent'));
});
