import { expect, test } from 'vitest';
import type { WakeUp } from '../../src/log/wake-up.ts';
import { FollowedLog } from './support/followed-log.ts';

/** A wake-up that wakes at once, as often as it is asked, until the test has seen enough. */
class EagerWakeUp implements WakeUp {
  waits = 0;
  disarms = 0;
  readonly #enough: AbortController;

  constructor(enough: AbortController) {
    this.#enough = enough;
  }

  async wait(): Promise<boolean> {
    this.waits += 1;
    if (this.waits === 5) this.#enough.abort();
    return true;
  }

  disarm(): void {
    this.disarms += 1;
  }
}

test('a log that is woken and has not grown stays idle: the watch is not disarmed and armed again', async () => {
  const log = new FollowedLog();
  log.write().write('{"a":1}\n');
  await log.start();
  const enough = new AbortController();
  const wake = new EagerWakeUp(enough);
  const following = log.log.follow(enough.signal, { activeMs: 1, idleMs: 1, quietMs: 50, wake });
  log.now += 100;
  await following;
  expect(wake.waits).toBe(5);
  // Once while it was active, at most a few looks, and once at the end.
  const before = wake.disarms;
  expect(before).toBeLessThan(5);
});

test('a log that grows is looked at by the timer until it has been quiet for long enough', async () => {
  const log = new FollowedLog();
  log.write().write('{"a":1}\n');
  await log.start();
  const enough = new AbortController();
  const wake = new EagerWakeUp(enough);
  let disarms = 0;
  const counting: WakeUp = {
    wait: () => wake.wait(),
    disarm: () => {
      disarms += 1;
      if (disarms < 4) log.writer.write('{"b":2}\n');
      log.now += 30;
    },
  };
  await log.log.follow(enough.signal, { activeMs: 1, idleMs: 1, quietMs: 50, wake: counting });
  expect(disarms).toBeGreaterThan(4);
  expect(log.log.live?.size).toBe(4 * 8);
});
