import { expect, test } from 'vitest';
import { Deliverer } from '../../src/alert/deliverer.ts';
import type { Notification } from '../../src/alert/notification.ts';
import type { Told } from '../../src/alert/receiver.ts';
import { alertReceiverSchema } from '../../src/config/alert-schema.ts';
import { AuditailError } from '../../src/errors.ts';
import { notification } from './notifications.ts';

const DOWN: Told = { outcome: 'retry', reason: 'http-503', words: 'busy', status: 503 };
const BAD: Told = { outcome: 'refused', reason: 'http-400', words: 'no', status: 400 };

/** A deliverer whose time passes only by its own waits. */
function setUp(written: object, answer: (one: Notification, call: number) => Told, room: () => boolean = () => true) {
  const config = alertReceiverSchema.parse({ name: 'hook', type: 'webhook', url: 'http://127.0.0.1:9/', ...written });
  const calls: string[] = [];
  const settled: string[] = [];
  const aside: string[] = [];
  const waits: number[] = [];
  let nowMs = 0;
  const stop = new AbortController();
  const deliverer = new Deliverer({
    config,
    receiver: {
      name: 'hook',
      type: 'webhook',
      tell: async (one) => {
        calls.push(one.id);
        return answer(one, calls.length);
      },
      close: async () => undefined,
    },
    backoff: () => {
      let next = 500;
      return { next: (least = 0) => Math.max(least, (next *= 2)), reset: () => undefined };
    },
    sleep: async (ms, signal) => {
      waits.push(ms);
      nowMs += ms;
      if (waits.length > 200) stop.abort(new Error('too long'));
      signal.throwIfAborted();
    },
    now: () => nowMs,
    settled: async (_, { id }) => void settled.push(id),
    setAside: async ({ id }, reason) => {
      if (!room()) return false;
      aside.push(`${id} ${reason}`);
      return true;
    },
    notes: { info: () => undefined, warn: () => undefined },
  });
  const run = async (until: () => boolean) => {
    const running = deliverer.run(stop.signal);
    for (let turns = 0; !until() && !stop.signal.aborted && turns < 10_000; turns += 1) await Promise.resolve();
    stop.abort(new Error('done'));
    await running;
  };
  return { deliverer, calls, settled, aside, waits, run };
}

test('what a receiver does not take now is told again, in order, until it is', async () => {
  const { deliverer, calls, settled, run } = setUp({}, (_, call) => (call < 4 ? DOWN : { outcome: 'told' }));
  deliverer.offer(notification({ id: 'a' }));
  deliverer.offer(notification({ id: 'b' }));
  await run(() => settled.length === 2);
  expect(calls).toEqual(['a', 'a', 'a', 'a', 'b']);
  expect(deliverer.status()).toMatchObject({ told: 2, retries: 3, pending: 0, state: 'idle' });
});

test('what a receiver refuses for good is set aside, and the next is told', async () => {
  const { deliverer, settled, aside, run } = setUp({}, ({ id }) => (id === 'a' ? BAD : { outcome: 'told' }));
  for (const id of ['a', 'b']) deliverer.offer(notification({ id }));
  await run(() => settled.length === 2);
  expect(aside).toEqual(['a http-400']);
  expect(deliverer.status()).toMatchObject({ told: 1, setAside: 1 });
});

test('after giveUpAfter a notification is set aside, not before', async () => {
  const { deliverer, settled, aside, waits, run } = setUp({ giveUpAfter: '60s' }, () => DOWN);
  deliverer.offer(notification({ id: 'a' }));
  await run(() => settled.length === 1);
  expect(aside).toEqual(['a gave-up']);
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(60_000);
});

test('while the dead letter is full nothing is given up', async () => {
  let full = true;
  const { deliverer, settled, aside, run } = setUp(
    {},
    (_, call) => {
      full = call < 5;
      return BAD;
    },
    () => !full,
  );
  deliverer.offer(notification({ id: 'a' }));
  await run(() => settled.length === 1);
  expect(aside).toEqual(['a http-400']);
  expect(deliverer.status()).toMatchObject({ retries: 4 });
});

test('the rate is kept', async () => {
  const { deliverer, settled, waits, run } = setUp({ rateLimit: { perMinute: 60, burst: 2 } }, () => ({
    outcome: 'told',
  }));
  for (const id of ['a', 'b', 'c', 'd']) deliverer.offer(notification({ id }));
  await run(() => settled.length === 4);
  expect(waits).toEqual([1000, 1000]);
});

test('when too many wait, the oldest make room', async () => {
  const { deliverer, settled, aside, run } = setUp({ maxPending: 2 }, () => ({ outcome: 'told' }));
  for (const id of ['a', 'b', 'c', 'd']) deliverer.offer(notification({ id }));
  await run(() => settled.length === 4);
  expect(aside).toEqual(['a too-many', 'b too-many']);
});

test('it takes what is bad enough, of the rules that it names, and the end of an alert where it is asked for', () => {
  const { deliverer } = setUp({ minSeverity: 'high', rules: ['exec-*'], sendResolved: false }, () => DOWN);
  const wants = (more: Partial<Notification>) =>
    deliverer.wants(notification({ rule: 'exec-pod', severity: 'high', ...more }));
  expect(wants({})).toBe(true);
  expect(wants({ severity: 'critical' })).toBe(true);
  expect(wants({ severity: 'medium' })).toBe(false);
  expect(wants({ rule: 'other' })).toBe(false);
  expect(wants({ status: 'resolved' })).toBe(false);
});

test('where what is refused cannot be set aside, as the disk is full, the receiver waits and goes on later', async () => {
  let tries = 0;
  const reasons: string[] = [];
  const { deliverer, aside, settled, run } = setUp(
    {},
    (one) => {
      reasons.push(deliverer.status().reason);
      return one.id === 'bad' ? BAD : { outcome: 'told' };
    },
    () => {
      tries += 1;
      if (tries < 3) throw new AuditailError('AUD_STATE_UNWRITABLE', 'no space left');
      return true;
    },
  );
  deliverer.offer(notification({ id: 'bad' }));
  deliverer.offer(notification({ id: 'good' }));
  await run(() => settled.length === 2);
  expect(aside).toEqual(['bad http-400']);
  expect(settled).toEqual(['bad', 'good']);
  expect(reasons.slice(0, 3)).toEqual(['', 'state-unwritable', 'state-unwritable']);
});
