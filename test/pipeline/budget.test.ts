import { describe, expect, it } from 'vitest';
import { fitInFlight } from '../../src/pipeline/budget.ts';

const MI = 2 ** 20;

describe('the memory of batches in flight', () => {
  it('leaves alone what fits', () => {
    expect(fitInFlight([{ output: 'a', maxInFlight: 2, maxBytes: MI }], 8 * MI)).toEqual([2]);
  });

  it('takes from whoever needs most', () => {
    const needs = [
      { output: 'a', maxInFlight: 16, maxBytes: MI },
      { output: 'b', maxInFlight: 2, maxBytes: MI },
    ];
    expect(fitInFlight(needs, 24 * MI)).toEqual([6, 2]);
  });

  it('refuses with both numbers where one batch each is too much', () => {
    expect(() => fitInFlight([{ output: 'a', maxInFlight: 2, maxBytes: 64 * MI }], 96 * MI)).toThrow(
      `memory.maxBytes is ${96 * MI}, and the batches of 1 pipelines need ${384 * MI} bytes at least`,
    );
  });
});
