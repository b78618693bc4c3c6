import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrayItems, contentId } from '../../src/demo/content.ts';

const member = fc.tuple(
  fc.string().filter((name) => !['@timestamp', 'auditail', 'metadata', 'kind', 'apiVersion'].includes(name)),
  fc.jsonValue(),
);

test('additions at either end of any object leave its content as it is', () => {
  fc.assert(
    fc.property(fc.array(member, { minLength: 1 }), fc.jsonValue(), (members, added) => {
      const inside = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
      const plain = contentId(Buffer.from(`{${inside}}`));
      const extra = `"auditail":${JSON.stringify(added)}`;
      expect(contentId(Buffer.from(`{${extra},${inside}}`))).toBe(plain);
      expect(contentId(Buffer.from(`{${inside}, ${extra} } \n`))).toBe(plain);
      expect(contentId(Buffer.from(`{${inside},"x":${JSON.stringify(added)}}`))).not.toBe(plain);
    }),
  );
});

test('an array is taken apart into what was put together', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.constantFrom('', ' ', '\n'), (values, space) => {
      const texts = values.map((value) => JSON.stringify(value));
      const array = Buffer.from(`[${space}${texts.join(`${space},${space}`)}${space}]`);
      expect(arrayItems(array)?.map(String)).toEqual(texts);
    }),
  );
});
