import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventListLines } from '../../src/event/event-list.ts';
import { choices, write } from './writing.ts';

const key = fc.oneof(fc.constantFrom('level', 'kind', 'apiVersion', 'items', 'objectRef'), fc.string({ maxLength: 6 }));
const item = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });

it('gives one line for each item, with its value, however the list is written', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 5 }), fc.nat(), (items, seed) => {
      const text = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[${items.map((one) => write(one, choices(seed))).join(',')}]}`;
      const list = eventListLines(Buffer.from(text));
      if ('malformed' in list) throw new Error(`${list.malformed} at ${list.at}: ${text}`);
      const lines = list.lines.toString().split('\n');
      expect(lines.pop()).toBe('');
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
        (JSON.parse(text) as { items: object[] }).items.map((one) => ({
          kind: 'Event',
          apiVersion: 'audit.k8s.io/v1',
          ...one,
        })),
      );
    }),
    { seed: 1, numRuns: 300 },
  );
});

it('never throws, and takes nothing that JSON.parse refuses', () => {
  const start = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"a":1}]}';
  fc.assert(
    fc.property(fc.nat({ max: start.length }), fc.nat({ max: 3 }), fc.string({ maxLength: 3 }), (at, cut, added) => {
      const text = start.slice(0, at) + added + start.slice(at + cut);
      const list = eventListLines(Buffer.from(text));
      if ('lines' in list) expect(() => JSON.parse(text) as unknown).not.toThrow();
    }),
    { seed: 1, numRuns: 2000 },
  );
});
