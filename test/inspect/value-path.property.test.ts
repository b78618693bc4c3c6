import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseValuePath, scalarsAt } from '../../src/inspect/value-path.ts';

const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'a.b', 'data', '*', '"', '\\'));

it('reads back every path, whatever its keys are', () => {
  const step = fc.oneof(key, fc.nat(20), fc.constant(null));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), (path) => {
      const text = path.map((one) => (one === null ? '[*]' : `[${JSON.stringify(one)}]`)).join('');
      expect(parseValuePath(text)).toEqual(path);
    }),
  );
});

it('never throws on what is no path', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '.', '[', ']', '"', '\\', '0', '*', 'u', '\n') }), (text) => {
      const path = parseValuePath(text);
      if (path !== undefined) expect(path.length).toBeGreaterThan(0);
    }),
  );
});

it.each([
  ['responseObject.data', ['responseObject', 'data']],
  ['items[*].data["a.b"]', ['items', null, 'data', 'a.b']],
  ['items.*.data', ['items', null, 'data']],
  ['a[0][1]', ['a', 0, 1]],
])('%s is a path', (text, path) => expect(parseValuePath(text)).toEqual(path));

it.each(['', '.a', 'a..b', 'a[', 'a]', 'a[b]', 'a b', 'a["x]', 'a.', '["\\x"]', 'a["b"]c'])('%j is no path', (text) =>
  expect(parseValuePath(text)).toBeUndefined(),
);

function slowly(value: unknown): readonly unknown[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(slowly);
  return value === null || value === '' ? [] : [value];
}

it('finds all scalars below a path, as a slow walk does', () => {
  fc.assert(
    fc.property(key, fc.jsonValue(), fc.jsonValue(), (name, value, other) => {
      const root = JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`) as unknown;
      expect(scalarsAt([root, other], [0, name])).toEqual(new Set(slowly(JSON.parse(JSON.stringify(value)))));
      expect(scalarsAt([root, other], [null])).toEqual(new Set(slowly(JSON.parse(JSON.stringify([root, other])))));
    }),
  );
});

it('knows no members but those that were recorded', () => {
  for (const name of ['toString', '__proto__', 'constructor', 'length']) {
    expect(scalarsAt({ a: [], b: 'text' }, ['a', name])).toEqual(new Set());
    expect(scalarsAt({ a: {}, b: 'text' }, ['b', name])).toEqual(new Set());
    expect(scalarsAt({ a: {} }, [name])).toEqual(new Set());
  }
});

it('goes as deep as a line can', () => {
  const deep = JSON.parse(`${'['.repeat(5000)}1${']'.repeat(5000)}`) as unknown;
  expect(scalarsAt(deep, [null])).toEqual(new Set([1]));
});
