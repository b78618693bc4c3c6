import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { learnInstant } from '../../src/log/instants.ts';

it('of all instants, in whatever order they are learned and how often, the newest 200 are known, ascending', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(600), { maxLength: 800 }), (learned) => {
      const instants: number[] = [];
      for (const instant of learned) learnInstant(instants, instant);
      expect(instants).toEqual([...new Set(learned)].sort((one, other) => one - other).slice(-200));
    }),
  );
});
