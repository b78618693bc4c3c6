import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeySet } from '../../src/state/key-set.ts';

const step = fc.tuple(fc.constantFrom('add' as const, 'delete' as const), fc.nat({ max: 3000 }));

test('it holds what a set would hold, after whatever was added and deleted', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 500, maxLength: 4000, size: 'max' }), (steps) => {
      const keys = new KeySet();
      const model = new Set<string>();
      for (const [act, number] of steps) {
        keys[act](String(number));
        model[act](String(number));
      }
      expect(keys.size).toBe(model.size);
      for (let number = 0; number <= 3000; number += 1)
        expect(keys.has(String(number))).toBe(model.has(String(number)));
    }),
    { numRuns: 20 },
  );
});
