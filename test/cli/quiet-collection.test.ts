import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectWhenQuiet } from '../../src/cli/quiet-collection.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A process that uses so much CPU in each of the next ten seconds, and how often its garbage was collected. */
function working() {
  let cpuMs = 300;
  const machine = { cpuMs: () => cpuMs, collect: vi.fn(() => void (cpuMs += 60)), takeOver: vi.fn() };
  const end = collectWhenQuiet(machine);
  const goOn = (...perLook: readonly number[]): number => {
    const before = machine.collect.mock.calls.length;
    for (const ms of perLook) {
      cpuMs += ms;
      vi.advanceTimersByTime(10_000);
    }
    return machine.collect.mock.calls.length - before;
  };
  return { goOn, end };
}

describe('the garbage', () => {
  it('is collected once after the start, as soon as it is quiet', () => {
    const { goOn } = working();
    expect(goOn(900, 5000, 10)).toBe(0);
    expect(goOn(10)).toBe(1);
    expect(goOn(...Array<number>(60).fill(10))).toBe(0);
  });

  it('is collected after work, and not while there is work', () => {
    const { goOn } = working();
    goOn(10, 10);
    expect(goOn(9000, 9000, 450, 10, 450, 10)).toBe(0);
    expect(goOn(10, 10, 10)).toBe(1);
  });

  it('is not collected again for little: that would cost more than was done', () => {
    const { goOn } = working();
    goOn(10, 10);
    expect(goOn(...Array<number>(15).fill(100))).toBe(0);
    expect(goOn(...Array<number>(10).fill(100))).toBe(1);
  });

  it('is left alone when the agent has ended', () => {
    const { goOn, end } = working();
    end();
    expect(goOn(10, 10)).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('can be collected by the Node.js that runs this', () => {
    const garbage = { objects: Array.from({ length: 1_000_000 }, (_, at) => ({ at })) };
    const { heapUsed } = process.memoryUsage();
    garbage.objects = [];
    const end = collectWhenQuiet();
    vi.advanceTimersByTime(60_000);
    end();
    expect(heapUsed - process.memoryUsage().heapUsed).toBeGreaterThan(20_000_000);
    expect('gc' in globalThis).toBe(false);
  });
});
