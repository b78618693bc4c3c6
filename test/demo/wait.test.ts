import { expect, test } from 'vitest';
import { waitUntil } from '../../src/demo/wait.ts';

test('a condition that is true needs no waiting', async () => {
  expect(await waitUntil(() => true, { progress: () => 0, standstillMs: 0 })).toBe(true);
});

test('a standstill ends the waiting, progress goes on with it', async () => {
  let progress = 0;
  expect(await waitUntil(() => false, { progress: () => 0, standstillMs: 30 })).toBe(false);
  expect(await waitUntil(() => progress > 5, { progress: () => (progress += 1), standstillMs: 30 })).toBe(true);
});

test('the signal ends the waiting', async () => {
  const signal = AbortSignal.abort();
  expect(await waitUntil(() => false, { progress: () => 0, standstillMs: 60_000, signal })).toBe(false);
});
