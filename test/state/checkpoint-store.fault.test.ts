import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { runSteps } from './checkpoint-steps.ts';
import type { Progress } from './checkpoint-steps.ts';
import { forEveryCall } from './fault-loop.ts';
import { killAtEveryCall } from './killed-child.ts';
import { checkpointOf, openFence, stepOf } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

let directory: string;

beforeEach(() => {
  directory = scratchDirectory();
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

/** What is there is a checkpoint that was passed in, and none that is older than what was confirmed. */
async function expectAtLeast(at: string, what: string, confirmed: number, passedIn: number): Promise<void> {
  const { checkpoint, findings } = await new CheckpointStore(at, openFence(99)).load();
  const step = stepOf(checkpoint);
  expect({ what, step, ok: step >= confirmed && step <= passedIn }).toEqual({ what, step, ok: true });
  if (checkpoint !== null) expect(checkpoint).toEqual(checkpointOf(step));
  expect(findings.filter((finding) => finding.what !== 'missing')).toEqual([]);
}

test('when a call of the file system fails, what was stored stays valid, and the store goes on', async () => {
  const runs = await forEveryCall(async ({ files, once, what }) => {
    fs.rmSync(directory, { recursive: true });
    fs.mkdirSync(directory);
    const progress: Progress = { confirmed: 0, passedIn: 0, errors: [] };
    await runSteps(new CheckpointStore(directory, openFence(1), { files }), progress);
    if (once) expect({ what, failures: progress.errors.length <= 1 }).toEqual({ what, failures: true });
    await expectAtLeast(directory, what, progress.confirmed, progress.passedIn);
  });
  expect(runs).toBeGreaterThan(150);
});

test('when the process is killed in a call of the file system, the next one finds what was confirmed', async () => {
  const runs = await killAtEveryCall('checkpoint-child.ts', directory, async ({ directory: at, call, said }) => {
    const confirmed = Number(said.at(-1) ?? 0);
    await expectAtLeast(at, `killed in call ${call}`, confirmed, confirmed + 3);
  });
  expect(runs).toBeGreaterThan(40);
});
