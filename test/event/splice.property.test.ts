import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Splice } from '../../src/event/splice.ts';
import { applySplices } from '../../src/event/splice.ts';

const NOTHING = Buffer.alloc(0);
const actions = fc.constantFrom('keep', 'remove', 'replace');
const members = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), fc.jsonValue(), fc.jsonValue(), actions), {
  selector: ([key]) => key,
  maxLength: 8,
});

test('removing and replacing members by splices is what parsing, editing and writing gives', () => {
  const scratch = { bytes: NOTHING };
  fc.assert(
    fc.property(members, fc.nat(5), (some, before) => {
      let text = `${'x'.repeat(before)}{`;
      const splices: Splice[] = [];
      const expected: [string, unknown][] = [];
      for (const [key, value, other, action] of some) {
        // What is removed goes with the comma in front of it, or behind it while nothing is kept.
        const separator = text.endsWith('{') ? '' : ',';
        const start = Buffer.byteLength(text);
        text += `${separator}${JSON.stringify(key)}:`;
        const valueStart = Buffer.byteLength(text);
        text += JSON.stringify(value);
        const end = Buffer.byteLength(text);
        const comma = expected.length === 0 && separator === ',' ? 1 : 0;
        if (action === 'remove') splices.push({ start, end, with: NOTHING });
        else {
          if (comma === 1) splices.push({ start, end: start + 1, with: NOTHING });
          expected.push([key, action === 'keep' ? value : other]);
        }
        if (action === 'replace') splices.push({ start: valueStart, end, with: Buffer.from(JSON.stringify(other)) });
      }
      const bytes = Buffer.from(`${text}}yy`);
      const length = applySplices(bytes, before, bytes.length - 2, splices, scratch);
      expect(scratch.bytes.toString('utf8', 0, length)).toBe(
        `{${expected.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
      );
    }),
  );
});
