import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { pathOfRange } from '../../src/inspect/event-path.ts';

interface Leaf {
  readonly path: string;
  readonly value: unknown;
}

/** Every value in a JSON value with its path, the value itself not. */
function leaves(value: unknown, path: string): readonly Leaf[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const plain = /^[A-Za-z_][\w-]*$/.test(key);
    const step = Array.isArray(value) ? `[${key}]` : plain ? `.${key}` : `[${JSON.stringify(key)}]`;
    return [{ path: (path + step).replace(/^\./, ''), value: inner }, ...leaves(inner, path + step)];
  });
}

it('names the value that was replaced, at any depth and under any key', () => {
  const marked = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), marked), fc.nat(), (object, choice) => {
      const text = JSON.stringify({ first: [1, { object }], last: 'end' });
      const parsed = JSON.parse(text) as unknown;
      const all = leaves(parsed, '');
      const leaf = all[choice % all.length] as Leaf;
      const at = offsetOf(parsed, all.indexOf(leaf));
      const bytes = Buffer.from(text);
      const length = Buffer.byteLength(JSON.stringify(leaf.value));
      expect(pathOfRange(bytes, 0, bytes.length, at, at + length)).toBe(leaf.path);
    }),
  );
});

/** Where the nth value of a JSON value starts in its text, in bytes: what stands before it ends at a mark in its place. */
function offsetOf(value: unknown, wanted: number): number {
  let seen = -1;
  const mark = 'the-place-of-the-value-0b7e';
  const text = JSON.stringify(place(value));
  return Buffer.byteLength(text.slice(0, text.indexOf(`"${mark}"`)));

  function place(inner: unknown): unknown {
    if (typeof inner !== 'object' || inner === null) return inner;
    const entries = Object.entries(inner).map(([key, part]) => {
      seen += 1;
      return [key, seen === wanted ? mark : place(part)] as const;
    });
    return Array.isArray(inner) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
  }
}

it('names a member that is cut out with its comma and key', () => {
  const text = '{"a":{"b":1,"c.d":[{"e":2}]},"f":3}';
  const cut = (part: string) => {
    const at = text.indexOf(part);
    return pathOfRange(Buffer.from(text), 0, text.length, at, at + part.length);
  };
  expect(cut('"b":1,')).toBe('a.b');
  expect(cut(',"c.d":[{"e":2}]')).toBe('a["c.d"]');
  expect(cut('"e":2')).toBe('a["c.d"][0].e');
  expect(cut(',"f":3')).toBe('f');
});
