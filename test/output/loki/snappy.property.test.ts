import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import snappyjs from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { compress } from '../../../src/output/loki/snappy.ts';
import { noise } from '../../support/noise.ts';

const BLOCK = 64 * 1024;
const events = readFileSync(new URL('../../fixtures/events.log', import.meta.url));

function expectBack(bytes: Buffer): Buffer {
  const compressed = compress([bytes]);
  expect(Buffer.from(snappyjs.uncompress(compressed)).equals(bytes)).toBe(true);
  return compressed;
}

it('what is compressed comes back, also across the 64 KiB blocks of the format', () => {
  const run = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 400 }));
  fc.assert(
    fc.property(fc.array(run, { maxLength: 4 }), (runs) => {
      expectBack(Buffer.concat(runs.flatMap(([piece, times]) => Array.from({ length: times }, () => piece))));
    }),
    { numRuns: 100 },
  );
});

it('short texts of few letters come back, whatever repeats in them', () => {
  const letters = fc.array(fc.constantFrom(97, 98, 99), { maxLength: 200 });
  fc.assert(
    fc.property(letters, (text) => void expectBack(Buffer.from(text))),
    { numRuns: 500 },
  );
});

it.each([0, 1, 2, 14, 15, 16, 17, 60, 61, 62, 256, 257, 258, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 17])(
  '%i bytes come back, of noise, of one letter, of events',
  (length) => {
    expectBack(noise(length));
    expectBack(Buffer.alloc(length, 'a'));
    expectBack(Buffer.alloc(length, events));
  },
);

describe('a repetition', () => {
  it.each([1, 3, 4, 5, 2047, 2048, 2049, 65_000])('from %i bytes back comes back, at any length', (offset) => {
    const start = noise(offset);
    for (const length of [4, 5, 11, 12, 13, 63, 64, 65, 67, 68, 69, 124, 128, 129, 500]) {
      expectBack(Buffer.concat([start, Buffer.alloc(length, start), noise(40).toReversed()]));
    }
  });
});

it('noise grows by little, and recorded events shrink as much as by the library', () => {
  const loud = noise(10 * BLOCK);
  expect(expectBack(loud).length).toBeLessThan(loud.length * 1.001);
  const many = Buffer.concat([events, events, events]);
  expect(expectBack(many).length).toBeLessThan(snappyjs.compress(many).length * 1.02);
});

it('what was compressed before is not written over by the next', () => {
  const first = compress([events]);
  compress([noise(events.length)]);
  expect(Buffer.from(snappyjs.uncompress(first)).equals(events)).toBe(true);
});

it('what is handed over in pieces is compressed as the whole is', () => {
  const property = fc.property(fc.array(fc.nat(70_000), { maxLength: 6 }), (lengths) => {
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const bytes = Buffer.from(events.toString('latin1').repeat(Math.ceil(420_000 / events.length)), 'latin1').subarray(
      0,
      total,
    );
    let at = 0;
    const pieces = lengths.map((length) => bytes.subarray(at, (at += length)));
    expect(compress(pieces).equals(compress([bytes]))).toBe(true);
  });
  fc.assert(property, { numRuns: 60 });
});
