import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventSpan } from '../../../src/output/event-span.ts';
import { eventEncoder, type Format, FRAMINGS, idempotencyKey, requestBody } from '../../../src/output/http/encode.ts';
import { batchOf, KEY } from '../support/batch.ts';

const line = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 }).map((event) => JSON.stringify(event));
const lines = fc.array(line, { minLength: 1, maxLength: 12 });
const formats = Object.keys(FRAMINGS) as Format[];

it.each(formats)('%s decodes to the very events that the part names', (format) => {
  fc.assert(
    fc.property(lines, fc.infiniteStream(fc.boolean()), (events, chosen) => {
      const batch = batchOf({ encode: eventEncoder(FRAMINGS[format], undefined) }, events);
      const items = events.map((_, item) => item).filter(() => chosen.next().value);
      fc.pre(items.length > 0);
      const body = requestBody(FRAMINGS[format], { batch, items }).toString();
      const expected = items.map((item) => events[item] as string);
      if (format === 'ndjson' || format === 'event') expect(body).toBe(expected.map((event) => `${event}\n`).join(''));
      else {
        const parsed = JSON.parse(body);
        expect(format === 'json' ? parsed : parsed.items).toEqual(expected.map((event) => JSON.parse(event)));
        expect(body).toContain(expected.join(','));
      }
      for (const item of items) expect(eventSpan(batch, item).toString()).toBe(events[item]);
    }),
  );
});

it('never gives two parts of a batch the same key, nor one part two', () => {
  const batch = batchOf(
    { encode: eventEncoder(FRAMINGS.ndjson, undefined) },
    Array.from({ length: 12 }, () => '{}'),
  );
  const part = fc.uniqueArray(fc.nat(11), { minLength: 1 }).map((items) => items.toSorted((a, b) => a - b));
  fc.assert(
    fc.property(part, part, (a, b) => {
      const [first, again, other] = [a, [...a], b].map((items) => idempotencyKey({ batch, items }));
      expect(first).toMatch(/^[0-9a-f]{32}$/);
      expect(again).toBe(first);
      expect(other === first).toBe(String(a) === String(b));
      expect(first === KEY).toBe(a.length === 12);
    }),
  );
});
