import { expect, test } from 'vitest';
import { Deliverer } from '../../src/alert/deliverer.ts';
import { AlertStage } from '../../src/alert/stage.ts';
import { alertReceiverSchema } from '../../src/config/alert-schema.ts';
import { EventView } from '../../src/event/event-view.ts';
import { BatchBuilder } from '../../src/pipeline/batch.ts';
import { line, rule } from './rules.ts';

/** A stage whose receiver takes nothing, and whose dead letter is full, until it is said that there is room. */
function setUp(maxPending: number) {
  const stop = new AbortController();
  let room = false;
  const stage = new AlertStage({
    source: 'audit',
    rules: [rule({ when: 'true', groupBy: ['objectRef.name'] })],
    limits: { maxGroups: 1000, maxValues: 1000, toleranceMs: 30_000 },
    redact: () => ({ type: 'pass' }),
    isHarmless: () => true,
    notes: { warn: () => undefined },
    now: Date.now,
    monotonic: () => performance.now(),
  });
  const deliverer: Deliverer = new Deliverer({
    config: alertReceiverSchema.parse({ name: 'hook', type: 'webhook', url: 'http://127.0.0.1:9/', maxPending }),
    receiver: {
      name: 'hook',
      type: 'webhook',
      tell: async () => ({ outcome: 'retry', reason: 'refused', words: 'down', status: 0 }),
      close: async () => undefined,
    },
    backoff: () => ({ next: () => 1, reset: () => undefined }),
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        setImmediate(() => (signal.aborted ? reject(new Error('stopped')) : resolve()));
      }),
    now: () => 0,
    settled: (name, notification) => stage.settled(name, notification),
    setAside: async () => room,
    notes: { info: () => undefined, warn: () => undefined },
  });
  const journal = {
    isLong: false,
    append: async () => undefined,
    note: () => undefined,
    replace: async () => undefined,
    close: async () => undefined,
  };
  stage.begin(journal, [deliverer], null);
  const running = deliverer.run(stop.signal);
  let at = 0;
  const view = new EventView();
  /** Sends an event that makes an alert of its own; gives why it was held, if it was. */
  const send = async () => {
    at += 1;
    const bytes = Buffer.from(line(at, { name: `n${at}` }));
    view.read(bytes, 0, bytes.length);
    stage.judge(view);
    const builder = new BatchBuilder(1024);
    stage.encode(view, { bytes, start: 0, end: bytes.length }, builder);
    builder.add(0, at);
    const batch = builder.seal(`b${at}`, 'alerts', { segment: 'segment', from: 0, to: 1 });
    return (await stage.send({ batch, items: [0] })).again[0]?.reason;
  };
  return {
    deliverer,
    send,
    makeRoom: () => (room = true),
    end: async () => {
      stop.abort(new Error('done'));
      await running;
    },
  };
}

test('the trail waits where receiver and dead letter take nothing more, and goes on when one of them does', async () => {
  const { deliverer, send, makeRoom, end } = setUp(5);
  const answers: (string | undefined)[] = [];
  for (let count = 0; count < 50; count += 1) answers.push(await send());
  expect(answers.filter((reason) => reason === undefined)).toHaveLength(20);
  expect(answers.at(-1)).toBe('receiver-full');
  expect(deliverer.pending).toHaveLength(20);
  makeRoom();
  await expect.poll(() => deliverer.isFull).toBe(false);
  expect(await send()).toBeUndefined();
  await end();
});
