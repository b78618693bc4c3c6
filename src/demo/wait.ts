import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** A number that changes as long as things go on. */
  readonly progress: () => number;
  /** Gives up when it has not changed for so long: a slow machine is waited for, a standstill is not. */
  readonly standstillMs: number;
  readonly signal?: AbortSignal;
}

const POLL_MS = 20;

/** Waits for a condition. Returns whether it came true; false after a standstill or the signal. */
export async function waitUntil(condition: () => boolean, patience: Patience): Promise<boolean> {
  let last = patience.progress();
  let changedAt = performance.now();
  while (!condition()) {
    if (patience.signal?.aborted === true) return false;
    const now = patience.progress();
    if (now !== last) {
      last = now;
      changedAt = performance.now();
    } else if (performance.now() - changedAt > patience.standstillMs) {
      return false;
    }
    await sleep(POLL_MS);
  }
  return true;
}
