import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { itemsOf, keyOf, memberAt, membersOf, valueEnd } from '../../src/event/json-walk.ts';

function parse(bytes: Buffer, start: number, end: number): unknown {
  return JSON.parse(bytes.toString('utf8', start, end));
}

it('steps through any object as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(2), (object, indent) => {
      const bytes = Buffer.from(JSON.stringify(object, null, indent));
      const members = [...membersOf(bytes, 0)];
      const found = members.map((member) => [keyOf(bytes, member), parse(bytes, member.value, member.end)]);
      expect(found).toEqual(Object.entries(JSON.parse(bytes.toString()) as object));
      for (const { start, keyEnd } of members) expect([bytes[start], bytes[keyEnd]]).toEqual([0x22, 0x22]);
      expect(valueEnd(bytes, 0)).toBe(bytes.length);
    }),
  );
});

it('steps through any array as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.nat(2), (array, indent) => {
      const bytes = Buffer.from(JSON.stringify(array, null, indent));
      const found = Array.from(itemsOf(bytes, 0), (at) => parse(bytes, at, valueEnd(bytes, at)));
      expect(found).toEqual(JSON.parse(bytes.toString()));
    }),
  );
});

it('finds a member again by its value, where its key holds no quote', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z./]*$/), fc.jsonValue()), (object) => {
      const bytes = Buffer.from(JSON.stringify(object));
      for (const member of membersOf(bytes, 0)) expect(memberAt(bytes, member.value, member.end)).toEqual(member);
    }),
  );
});

it('ends where the bytes do, wherever they are cut off', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())),
      fc.nat(),
      (value, cut) => {
        const whole = Buffer.from(JSON.stringify(value));
        const bytes = whole.subarray(0, 1 + (cut % whole.length));
        const count = Array.isArray(value) ? [...itemsOf(bytes, 0)].length : [...membersOf(bytes, 0)].length;
        expect(count).toBeLessThanOrEqual(bytes.length);
      },
    ),
  );
});
