import { describe, expect, it } from 'vitest';
import { BodyLimit } from '../../src/pipeline/body-limit.ts';

const MIB = 2 ** 20;

function limit(): BodyLimit {
  return new BodyLimit({ maxBytes: 2 * MIB, maxEvents: 5000 });
}

describe('BodyLimit', () => {
  it('is what is set as long as nothing is too large', () => {
    const batches = limit();
    batches.taken(2 * MIB);
    expect(batches.maxBytes).toBe(2 * MIB);
    expect(batches.maxEvents).toBe(5000);
  });

  it('halves until the receiver takes it', () => {
    const batches = limit();
    expect(batches.tooLarge(2 * MIB)).toBe(true);
    expect(batches.maxBytes).toBe(MIB);
    expect(batches.tooLarge(MIB)).toBe(true);
    batches.taken(MIB / 2);
    expect(batches.maxBytes).toBe(MIB / 2);
  });

  it('does not shrink below what was taken before: who sends one large event does not make all batches small', () => {
    const batches = limit();
    batches.taken(1.9 * MIB);
    expect(batches.tooLarge(2.1 * MIB)).toBe(true);
    expect(batches.tooLarge(2.1 * MIB)).toBe(false);
    expect(batches.maxBytes).toBe(1.9 * MIB);
  });

  it('does not fall below 64 KiB', () => {
    const batches = limit();
    expect(batches.tooLarge(100)).toBe(true);
    expect(batches.tooLarge(10)).toBe(false);
    expect(batches.maxBytes).toBe(65_536);
  });
});
