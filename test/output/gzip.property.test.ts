import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gzip } from '../../src/output/gzip.ts';
import { noise } from '../support/noise.ts';

const BLOCK = 256 * 1024;
const WINDOW = 32 * 1024;
const events = readFileSync(new URL('../fixtures/events.log', import.meta.url));

/** zlib checks the CRC and the length as it reads. */
function expectBack(bytes: Buffer): Buffer {
  const compressed = gzip(bytes);
  expect(gunzipSync(compressed).equals(bytes)).toBe(true);
  return compressed;
}

it('what is compressed comes back, also across blocks', () => {
  const run = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 2000 }));
  fc.assert(
    fc.property(fc.array(run, { maxLength: 4 }), (runs) => {
      expectBack(Buffer.concat(runs.flatMap(([piece, times]) => Array.from({ length: times }, () => piece))));
    }),
    { numRuns: 100 },
  );
});

it('short texts of few letters come back, whatever repeats in them', () => {
  const letters = fc.array(fc.constantFrom(97, 98, 99), { maxLength: 300 });
  fc.assert(
    fc.property(letters, (text) => void expectBack(Buffer.from(text))),
    { numRuns: 500 },
  );
});

it('letters of any frequencies come back, also where codes would grow too long', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 17 }), { minLength: 1, maxLength: 256 });
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 1000 }), (exponents, step) => {
      // Each byte as often as its power of two says, spread out, so that nothing repeats for long.
      const bytes = Buffer.concat(exponents.map((exponent, byte) => Buffer.alloc(2 ** exponent, byte))).subarray(
        0,
        BLOCK,
      );
      const prime = 1_000_003 * step;
      expectBack(Buffer.from(bytes.map((_, at) => bytes[(at * prime) % bytes.length] as number)));
    }),
    { numRuns: 30 },
  );
});

it('frequencies like the numbers of Fibonacci, whose codes are the longest, come back', () => {
  const bytes: number[] = [];
  for (let [byte, a, b] = [0, 1, 1]; bytes.length + a < BLOCK; [byte, a, b] = [byte + 1, b, a + b]) {
    for (let times = 0; times < a; times += 1) bytes.push(byte);
  }
  const order = noise(4 * bytes.length);
  const shuffled = bytes
    .map((byte, at) => ({ byte, key: order.readUInt32LE(4 * at) }))
    .toSorted((one, other) => one.key - other.key)
    .map(({ byte }) => byte);
  expectBack(Buffer.from(shuffled));
});

it.each([0, 1, 2, 15, 16, 17, 18, 65_535, 65_536, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 17])(
  '%i bytes come back, of noise, of one letter, of events',
  (length) => {
    expectBack(noise(length));
    expectBack(Buffer.alloc(length, 'a'));
    expectBack(Buffer.alloc(length, events));
  },
);

describe('a repetition', () => {
  it.each([1, 2, 3, 4, 5, 7, 255, 4096, WINDOW - 1, WINDOW, WINDOW + 1])(
    'from %i bytes back comes back, at any length',
    (distance) => {
      const start = noise(distance);
      for (const length of [4, 5, 8, 9, 10, 11, 257, 258, 259, 262, 263, 264, 515, 516, 517, 521, 5000]) {
        expectBack(Buffer.concat([start, Buffer.alloc(length, start), noise(40).toReversed()]));
      }
    },
  );
});

it('noise grows by little, and recorded events shrink more than by zlib at the same speed', () => {
  const loud = noise(3 * BLOCK);
  expect(expectBack(loud).length).toBeLessThan(loud.length * 1.001);
  expect(expectBack(events).length).toBeLessThan(gzipSync(events, { level: 1 }).length);
});

it('a body does not refer to the one before it', () => {
  const alone = gzip(events);
  for (const before of [events.subarray(0, 1000), events, noise(WINDOW)]) {
    gzip(before);
    expect(gzip(events).equals(alone)).toBe(true);
  }
});

it('more than the positions count, two gigabytes, goes through the same tables', { timeout: 60_000 }, () => {
  const much = Buffer.alloc(64 * 2 ** 20);
  for (let sum = 0; sum <= 2 ** 31; sum += much.length) gzip(much);
  expectBack(events);
});
