import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { salvage } from '../../src/event/salvage.ts';
import { lookAlike, torn } from './trail.ts';

const body = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(JSON.parse(lookAlike), [JSON.parse(lookAlike)], lookAlike, { [lookAlike]: [lookAlike] }),
  fc.array(fc.constant(JSON.parse(lookAlike) as unknown), { maxLength: 3 }),
);

/** Events as a writer writes them, with what users have a hand in. */
const event = fc
  .record({ auditID: fc.string(), requestURI: fc.string(), requestObject: body, responseObject: body })
  .map(({ auditID, ...rest }) =>
    JSON.stringify({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      auditID,
      ...rest,
      stageTimestamp: '2026-11-23T05:07:04.591933Z',
      annotations: { a: auditID },
    }),
  );

/** How much of it was written: anything, all of it, or all up to the end of a look-alike in it. */
const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom('whole', 'look-alike' as const));

function written(text: string, how: number | 'whole' | 'look-alike'): string {
  if (typeof how === 'number') return torn(text, Math.floor(how * text.length));
  const end = text.indexOf(lookAlike);
  return how === 'whole' || end === -1 ? text : torn(text, end + lookAlike.length);
}

it('no piece is an event that the writer did not write whole, and the last one of a line is always found', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(event, share), { maxLength: 4 }), event, fc.boolean(), (before, last, ended) => {
      const parts = [...before.map(([text, how]) => ({ text, part: written(text, how) })), { text: last, part: last }];
      if (!ended) parts.pop();
      const genuine = new Set<string>();
      let length = 0;
      for (const { text, part } of parts) {
        if (part === text) genuine.add(`${length} ${length + Buffer.byteLength(part)}`);
        length += Buffer.byteLength(part);
      }
      const bytes = Buffer.from(parts.map(({ part }) => part).join(''));
      const pieces = salvage(bytes, 0, bytes.length, ended);
      const found = pieces.filter(({ kind }) => kind === 'event');
      for (const { start, end } of found) {
        expect(genuine).toContain(`${start} ${end}`);
        expect(new EventView().read(bytes, start, end)).toBeNull();
      }
      if (ended) expect(found.at(-1)).toMatchObject({ end: bytes.length });
      expect(pieces.map(({ start }) => start)).toEqual([0, ...pieces.map(({ end }) => end)].slice(0, pieces.length));
      expect(pieces.at(-1)?.end ?? 0).toBe(bytes.length);
    }),
    { numRuns: 2000 },
  );
});

it('any bytes are covered by pieces without a gap', () => {
  const beginning = Buffer.from('{"kind":"Event","apiVersion":"audit.k8s.io/v1"');
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 5 }).map((some) => Buffer.from(some)),
    fc.constantFrom(beginning, ...['}', ',', '"', ':', '[', '\0', '"a":'].map((text) => Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 30 }), fc.boolean(), (chunks, ended) => {
      const bytes = Buffer.concat(chunks);
      let at = 0;
      for (const piece of salvage(bytes, 0, bytes.length, ended)) {
        expect(piece.start).toBe(at);
        expect(piece.end).toBeGreaterThan(at);
        at = piece.end;
      }
      expect(at).toBe(bytes.length);
    }),
    { numRuns: 2000 },
  );
});
