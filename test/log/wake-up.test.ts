import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DirectoryWakeUp } from '../../src/log/wake-up.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
/** Far longer than any notice takes: a test that waits for it has failed. */
const LONG_MS = 15_000;

async function armed(
  directory = temporaryDirectory(),
): Promise<{ path: string; wakeUp: DirectoryWakeUp; failures: unknown[] }> {
  const failures: unknown[] = [];
  const path = join(directory, 'audit.log');
  const wakeUp = new DirectoryWakeUp(directory, path, (error) => failures.push(error));
  onTestFinished(() => wakeUp.disarm());
  // What happened before it was armed makes no event: it wakes once when it is ready.
  expect(await wakeUp.wait(LONG_MS, NEVER)).toBe(true);
  return { path, wakeUp, failures };
}

test('a write to the live file wakes, and so does its rotation', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'audit.log');
  writeFileSync(path, 'one\n');
  const { wakeUp } = await armed(directory);
  appendFileSync(path, 'two\n');
  expect(await wakeUp.wait(LONG_MS, NEVER)).toBe(true);
  renameSync(path, `${path}.1`);
  expect(await wakeUp.wait(LONG_MS, NEVER)).toBe(true);
  writeFileSync(path, 'three\n');
  expect(await wakeUp.wait(LONG_MS, NEVER)).toBe(true);
});

test('the time-out and the signal end the wait without anything having happened', async () => {
  const { wakeUp } = await armed();
  expect(await wakeUp.wait(1, NEVER)).toBe(false);
  const abort = new AbortController();
  const waiting = wakeUp.wait(LONG_MS, abort.signal);
  abort.abort();
  expect(await waiting).toBe(false);
  expect(await wakeUp.wait(LONG_MS, abort.signal)).toBe(false);
});

test('a directory that is not there makes no trouble, and is watched when it is armed again', async () => {
  const directory = join(temporaryDirectory(), 'later');
  const failures: unknown[] = [];
  const wakeUp = new DirectoryWakeUp(directory, join(directory, 'audit.log'), (error) => failures.push(error));
  onTestFinished(() => wakeUp.disarm());
  await wakeUp.wait(100, NEVER);
  wakeUp.disarm();
  mkdirSync(directory);
  expect(await wakeUp.wait(LONG_MS, NEVER)).toBe(true);
  writeFileSync(join(directory, 'audit.log'), 'one\n');
  expect(await wakeUp.wait(LONG_MS, NEVER)).toBe(true);
  expect(failures).toEqual([]);
});
