import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/pipeline/slots.ts';

const never = new AbortController().signal;

/** A task that ends when it is told to. */
function task() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { act: () => promise, end: resolve };
}

/** Whether a promise has been settled once all that can happen now has. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('slots', () => {
  it('let so many run, and the next one when one of them has ended', async () => {
    const slots = new Slots(2);
    const [first, second] = [task(), task()];
    await slots.take(never);
    slots.run(first.act);
    await slots.take(never);
    slots.run(second.act);
    const third = slots.take(never);
    expect(await isSettled(third)).toBe(false);
    expect(slots.used).toBe(2);
    second.end();
    expect(await isSettled(third)).toBe(true);
    expect(slots.used).toBe(1);
    first.end();
    await slots.empty();
    expect(slots.used).toBe(0);
  });

  it('lend one more while somebody borrows, and one only', async () => {
    const slots = new Slots(1);
    slots.run(task().act);
    const waiting = slots.take(never);
    slots.lend(true);
    expect(await isSettled(waiting)).toBe(true);
    slots.run(task().act);
    const another = slots.take(never);
    slots.lend(true);
    expect(await isSettled(another)).toBe(false);
    // One of the two gives it back; the other still borrows.
    slots.lend(false);
    expect(await isSettled(another)).toBe(false);
  });

  it('are no longer waited for when the signal comes', async () => {
    const slots = new Slots(1);
    slots.run(task().act);
    const stop = new AbortController();
    const waiting = slots.take(stop.signal);
    stop.abort();
    expect(await isSettled(waiting)).toBe(true);
    await slots.take(stop.signal);
  });

  it('are empty when what was begun meanwhile has ended too', async () => {
    const slots = new Slots(2);
    const [first, second] = [task(), task()];
    slots.run(async () => {
      await first.act();
      slots.run(second.act);
    });
    const empty = slots.empty();
    first.end();
    expect(await isSettled(empty)).toBe(false);
    second.end();
    expect(await isSettled(empty)).toBe(true);
  });
});
