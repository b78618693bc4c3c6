import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SLOT } from '../../src/event/field.ts';
import type { Filter } from '../../src/filter/filter.ts';
import { total } from '../../src/state/counts.ts';
import { cutAll, newCutter } from './cut.ts';
import { eventLine, PASS_ALL } from './pipeline-harness.ts';
import { ScriptedOutput } from './scripted-output.ts';

/** Lines of every kind that stands in a log: events, torn and glued ones, empty ones, NULs, any bytes. */
const line: fc.Arbitrary<Buffer> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat(50), fc.nat(400)).map(([id, padding]) => Buffer.from(eventLine(id, 1e12, padding))),
  },
  {
    weight: 1,
    arbitrary: fc.nat(100).map((cut) => Buffer.from(`${eventLine('torn').slice(0, cut)}${eventLine('glued')}`)),
  },
  {
    weight: 1,
    arbitrary: fc.nat(8).map((nuls) => Buffer.concat([Buffer.alloc(nuls), Buffer.from(eventLine('behind'))])),
  },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\0\0\n', '{}\n', 'torn\n', ' \n').map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.concat([bytes, Buffer.from('\n')])) },
);

const content = fc.tuple(fc.array(line, { maxLength: 30 }), fc.boolean()).map(([lines, ended]) => {
  const bytes = Buffer.concat(lines);
  return ended || bytes.length === 0 ? bytes : bytes.subarray(0, -1);
});

const options = fc.record({ maxBytes: fc.integer({ min: 50, max: 3000 }), maxEvents: fc.integer({ min: 1, max: 12 }) });

const DROP = { type: 'drop', rule: 0 } as const;
const PASS = { type: 'pass' } as const;

/** Takes every kind of decision. */
const FILTER: Filter = {
  ...PASS_ALL,
  rules: ['third'],
  judge(event) {
    const id = event.text(SLOT.auditID);
    if (Number(id) % 3 === 0) return DROP;
    if (Number(id) % 3 === 1) return PASS;
    const at = event.valueStart(SLOT.auditID) + 1;
    return { type: 'edit', splices: [{ start: at, end: at, with: Buffer.from('edited ') }] };
  },
};

function refusingOutput(): ScriptedOutput {
  const output = new ScriptedOutput();
  output.refusal = (event) => {
    const id = event.text(SLOT.auditID);
    if (id === '1') return { reason: 'refused', words: '' };
    return id === '4' ? { reduced: 'responseObject' } : null;
  };
  return output;
}

function anyCutter(limits: object) {
  return newCutter({ filter: FILTER, output: refusingOutput(), ...limits });
}

describe('cutting', () => {
  it('covers the content without gaps, and accounts for every byte of it', () => {
    fc.assert(
      fc.property(content, options, fc.integer({ min: 1, max: 500 }), (bytes, limits, pieceBytes) => {
        const cutter = newCutter({ ...limits, filter: FILTER, output: refusingOutput() });
        let at = 0;
        for (const { from, to, tally, items, setAside } of cutAll(cutter, bytes, 0, bytes.length, pieceBytes)) {
          expect(from).toBe(at);
          at = to;
          expect(tally.readBytes + tally.skippedBytes).toBe(to - from);
          const kept = setAside.filter(({ counts }) => counts).length;
          expect(tally.readEvents).toBe(items.length + total(tally.filtered) + total(tally.deadLettered));
          expect(total(tally.deadLettered)).toBe(kept);
          const sent = items.reduce((sum, item) => sum + item.bytes, 0);
          expect(tally.readBytes).toBe(sent + tally.filteredBytes + tally.deadLetteredBytes);
        }
        expect(at).toBe(bytes.length);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('gives the same batch for the same range again, whatever the limits and the reads are then', () => {
    fc.assert(
      fc.property(
        content,
        options,
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 500 }),
        (bytes, limits, once, twice) => {
          for (const batch of cutAll(anyCutter(limits), bytes, 0, bytes.length, once)) {
            expect(cutAll(anyCutter({}), bytes, batch.from, batch.to, twice)).toEqual([batch]);
          }
        },
      ),
      { numRuns: 150, seed: 2 },
    );
  });

  it('keeps the limits of a batch but for one event alone, or the parts of one line', () => {
    fc.assert(
      fc.property(content, options, (bytes, limits) => {
        for (const { items, body, from, to } of cutAll(newCutter(limits), bytes)) {
          const lines = bytes.subarray(from, to).toString('latin1').split('\n').length - 1;
          if (items.length > 1 && lines > 1 && !bytes.subarray(from, to).includes('glued')) {
            expect(body.length).toBeLessThanOrEqual(limits.maxBytes);
            expect(items.length).toBeLessThanOrEqual(limits.maxEvents);
          }
        }
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});
