import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Decisions } from '../../../src/filter/throttle/decisions.ts';

const answers = fc.array(fc.integer({ min: -1, max: 2 }));

function recalled(decisions: Decisions, count: number): (number | undefined)[] {
  return Array.from({ length: count }, () => decisions.recall());
}

it('what was noted is recalled in its order, over as many ranges as it is cut into', () => {
  fc.assert(
    fc.property(answers, fc.array(fc.nat(5)), (said, parts) => {
      const first = new Decisions(null);
      for (const answer of said) {
        expect(first.recall()).toBeUndefined();
        first.note(answer);
      }
      expect(first.length).toBe(said.length);
      let again = new Decisions(first.runs);
      const heard: (number | undefined)[] = [];
      for (const part of parts) {
        heard.push(...recalled(again, Math.min(part, said.length - heard.length)));
        again = again.next();
      }
      heard.push(...recalled(again, said.length - heard.length));
      expect(heard).toEqual(said);
      // Beyond what was decided, nothing is held back.
      expect(again.recall()).toBe(-1);
    }),
  );
});

it('what is taken back was not noted', () => {
  fc.assert(
    fc.property(answers, fc.integer({ min: -1, max: 2 }), (said, last) => {
      const [one, other] = [new Decisions(null), new Decisions(null)];
      for (const answer of said) {
        one.note(answer);
        other.note(answer);
      }
      one.note(last);
      expect(one.takeBack()).toBe(last);
      expect([one.runs, one.length]).toEqual([other.runs, other.length]);
      one.sayFirst(last);
      expect([one.recall(), one.recall()]).toEqual([last, undefined]);
    }),
  );
});
