import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { CriDecoder } from '../../../src/source/cri/decoder.ts';
import { framed } from './cri-lines.ts';

const line = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 10 ? 32 : byte))));

it('gives back any lines, however they were cut by the runtime and by reads, whatever stands between them', () => {
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 8 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat({ max: 3 }), { maxLength: 30 }),
      (lines, size, choices) => {
        const raw = framed(lines, { size, stderr: (at) => choices[at % choices.length] === 0 });
        const ends = [...raw.keys()].filter((at) => raw[at] === 10);
        const decoder = new CriDecoder();
        const parts: Buffer[] = [];
        let from = 0;
        for (const [at, end] of ends.entries()) {
          if (choices.length > 0 && choices[at % choices.length] === 1 && at < ends.length - 1) continue;
          parts.push(Buffer.from(decoder.decode(raw, from, end + 1)));
          from = end + 1;
        }
        const expected = lines.map((one) => `${one.toString('latin1')}\n`).join('');
        expect(Buffer.concat(parts).toString('latin1')).toBe(expected);
        expect(decoder.open).toBe(false);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

it('takes any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const raw = Buffer.from(bytes);
      const decoded = new CriDecoder().decode(raw, 0, raw.length);
      expect(decoded.length).toBeLessThanOrEqual(raw.length + 1);
    }),
    { seed: 1 },
  );
});
