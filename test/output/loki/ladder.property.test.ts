import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { shorten, TRUNCATED_ANNOTATION } from '../../../src/output/loki/ladder.ts';

const member = fc.tuple(
  fc.constantFrom(
    'level',
    'requestObject',
    'responseObject',
    'annotations',
    'user',
    'requestURI',
    'responseObjectX',
    'a"b\\',
  ),
  fc.oneof(
    fc.jsonValue({ noUnicodeString: false }),
    fc.dictionary(fc.string(), fc.string()),
    fc.constant({ responseObject: { annotations: '}' } }),
  ),
);

it('leaves the event without the bodies and with the annotation, whatever the event holds', () => {
  let shortened = 0;
  fc.assert(
    fc.property(
      fc.array(member, { minLength: 1 }),
      fc.constantFrom('', ' ', '\t '),
      fc.nat(400),
      (members, gap, max) => {
        const text = `{${gap}${members
          .map(([key, value]) => `${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(value)}`)
          .join(`${gap},${gap}`)}${gap}}`;
        const bytes = Buffer.from(`x${text}x`);
        const event = JSON.parse(text) as Record<string, unknown>;
        const result = shorten(bytes, 1, bytes.length - 1, max);
        if (result === null) return;
        shortened += 1;

        expect(result.bytes.length).toBeLessThanOrEqual(max);
        const expected = { ...event };
        for (const name of result.reduced.split(',')) delete expected[name];
        const { annotations } = event;
        const held = typeof annotations === 'object' && !Array.isArray(annotations) ? annotations : {};
        expected['annotations'] = { ...held, [TRUNCATED_ANNOTATION]: result.reduced };
        expect(JSON.parse(result.bytes.toString())).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
  // About 75 as a rule; without any the test would say nothing.
  expect(shortened).toBeGreaterThan(20);
});
