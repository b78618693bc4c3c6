import { expect, test } from 'vitest';
import { arrayItems, contentId } from '../../src/demo/content.ts';

function idOf(text: string): string {
  return contentId(Buffer.from(text));
}

const EVENT = '{"kind":"Event","level":"Metadata","user":{"username":"a\\"}{"},"metadata2":[1,{"x":"]"}],"n":12}';

test('what outputs add, wherever they add it, does not change the content', () => {
  expect(idOf('{"@timestamp":"2026-11-23T00:00:00Z","kind":"Event","level":"Metadata"}')).toBe(
    idOf('{"level":"Metadata"}'),
  );
  expect(idOf('{"level":"Metadata","metadata":{"cluster":"a","node":{"deep":["}"]}}}')).toBe(
    idOf('{"level":"Metadata"}'),
  );
  expect(idOf(`{"auditail":{"node":"n"},${EVENT.slice(1)}\n`)).toBe(idOf(EVENT));
});

test('any other byte changes the content', () => {
  const ids = new Set(
    [
      EVENT,
      EVENT.replace('12', '13'),
      EVENT.replace('a\\"', 'b\\"'),
      EVENT.replace('metadata2', 'metadata3'),
      EVENT.slice(0, -1),
    ].map(idOf),
  );
  expect(ids.size).toBe(5);
});

test('a name that outputs use counts as content further inside', () => {
  expect(idOf('{"user":{"metadata":1}}')).not.toBe(idOf('{"user":{"metadata":2}}'));
});

test('what is no whole object is known by all of its bytes', () => {
  const ids = [
    '{"level":"Met',
    '{"level":"Met{"level":"Metadata"}',
    'null',
    '{"level" "Metadata"}',
    '',
    '{"a":1}x',
    '{"a":"',
  ].map(idOf);
  expect(new Set(ids).size).toBe(ids.length);
});

test('the items of an array are found whatever stands in them', () => {
  expect(arrayItems(Buffer.from(` [ ${EVENT} , {"b":"]"},{}]`))?.map(String)).toEqual([EVENT, '{"b":"]"}', '{}']);
  expect(arrayItems(Buffer.from('[]'))).toEqual([]);
  expect(arrayItems(Buffer.from('[{"a":1}'))).toBeUndefined();
  expect(arrayItems(Buffer.from('{}'))).toBeUndefined();
  expect(arrayItems(Buffer.from('[,]'))).toBeUndefined();
});
