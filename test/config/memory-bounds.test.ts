import { describe, expect, it } from 'vitest';
import { memoryBounds, memoryLimitOf, outputsWithin } from '../../src/config/memory-bounds.ts';
import type { Complaint } from '../../src/config/report.ts';

const MI = 2 ** 20;
/** As the schema makes them where nothing is written. */
const DEFAULTS = { memory: { maxBytes: 96 * MI }, maxLineBytes: 64 * MI };

function bounds(limit: number, value: unknown = {}, config = DEFAULTS) {
  const complaints: Complaint[] = [];
  const { memory, maxLineBytes } = memoryBounds(config, value, limit, (complaint) => complaints.push(complaint));
  return { memory: memory.maxBytes / MI, line: maxLineBytes / MI, complaints };
}

describe('the bounds on memory', () => {
  it('are the defaults where Node.js knows of none: it says 0', () => {
    expect(bounds(memoryLimitOf(0))).toEqual({ memory: 96, line: 64, complaints: [] });
    expect(memoryLimitOf(512 * MI)).toBe(512 * MI);
  });

  it('are the defaults where nothing bounds the process, or nothing small does', () => {
    for (const limit of [Number.POSITIVE_INFINITY, 2 ** 64, 512 * MI, 336 * MI]) {
      expect(bounds(limit)).toEqual({ memory: 96, line: 64, complaints: [] });
    }
  });

  it.each([
    [256, 64],
    [192, 38.4],
    [128, 12.8],
    [96, 8],
    [64, 8],
  ])('of a process that may have %i Mi are %d Mi, and two thirds of that for a line', (limit, memory) => {
    const found = bounds(limit * MI);
    expect(found.memory).toBeCloseTo(memory, 4);
    expect(found.line).toBeCloseTo((memory * 2) / 3, 4);
  });

  it('are what is written, whatever the process may have', () => {
    const config = { memory: { maxBytes: 96 * MI }, maxLineBytes: 64 * MI };
    expect(bounds(192 * MI, { memory: { maxBytes: '96Mi' } }, config)).toMatchObject({ memory: 96, line: 64 });
    const small = { memory: { maxBytes: 96 * MI }, maxLineBytes: 4 * MI };
    expect(bounds(192 * MI, { maxLineBytes: '4Mi' }, small)).toMatchObject({ line: 4, complaints: [] });
  });

  it('say what a line that is allowed to be longer runs into', () => {
    expect(bounds(192 * MI, { maxLineBytes: '64Mi' }).complaints).toMatchObject([
      { path: ['maxLineBytes'], message: expect.stringContaining('where the process may have 201326592 bytes') },
    ]);
    expect(bounds(Number.POSITIVE_INFINITY, { maxLineBytes: '64Mi' }).complaints).toEqual([]);
  });
});

describe('batches', () => {
  const batch = { maxBytes: 2 * MI, maxEvents: 5000, maxDelay: 1000, maxInFlight: 2 };
  const sizeOf = (limit: number, written: object) =>
    outputsWithin([{ batch }], { outputs: [written] }, limit).map((output) => output.batch.maxBytes / MI);

  it('are half as large where the process has little memory, and nobody said how large they are', () => {
    expect(sizeOf(192 * MI, { name: 'o' })).toEqual([1]);
    expect(sizeOf(192 * MI, { name: 'o', batch: { maxBytes: '2Mi' } })).toEqual([2]);
    expect(sizeOf(512 * MI, { name: 'o' })).toEqual([2]);
    expect(sizeOf(Number.POSITIVE_INFINITY, { name: 'o' })).toEqual([2]);
  });
});
