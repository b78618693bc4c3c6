import { expect, test, vi } from 'vitest';
import { Pulse } from '../../src/log/pulse.ts';

test('a beat wakes everybody who waits, and nobody who comes later', async () => {
  const pulse = new Pulse();
  const signal = new AbortController().signal;
  const woken = Promise.all([pulse.wait(1e6, signal), pulse.wait(1e6, signal)]);
  pulse.beat();
  await woken;
  const later = pulse.wait(1e6, signal);
  expect(await Promise.race([later, Promise.resolve('still waiting')])).toBe('still waiting');
  pulse.beat();
  await later;
});

test('a waiter is released by its signal and by its time-out, and leaves no timer behind', async () => {
  vi.useFakeTimers();
  try {
    const pulse = new Pulse();
    const abort = new AbortController();
    const aborted = pulse.wait(1e6, abort.signal);
    abort.abort();
    await aborted;
    expect(vi.getTimerCount()).toBe(0);
    await pulse.wait(1e6, abort.signal);
    await pulse.wait(0, new AbortController().signal);
    const timed = pulse.wait(50, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(50);
    await timed;
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
