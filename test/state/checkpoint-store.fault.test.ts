import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { REAL_FILES } from '../../src/state/files.ts';
import { runSteps } from './checkpoint-steps.ts';
import type { Progress } from './checkpoint-steps.ts';
import { faultyFiles, systemError } from './faulty-files.ts';
import { checkpointOf, openFence, stepOf } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

const CHILD = path.join(import.meta.dirname, 'checkpoint-child.ts');

let directory: string;

beforeEach(() => {
  directory = scratchDirectory();
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function fresh(): void {
  fs.rmSync(directory, { recursive: true, force: true });
  fs.mkdirSync(directory);
}

/** Loads what is there and holds it against what was confirmed before. */
async function expectAtLeast(confirmed: number, passedIn: number, what: string): Promise<void> {
  const { checkpoint, findings } = await new CheckpointStore(directory, openFence(99)).load();
  const step = stepOf(checkpoint);
  expect({ what, step, ok: step >= confirmed && step <= passedIn }).toEqual({ what, step, ok: true });
  if (checkpoint !== null) expect(checkpoint).toEqual(checkpointOf(step));
  expect(findings.filter((finding) => finding.what !== 'missing')).toEqual([]);
}

describe('when the Nth call of the file system fails', () => {
  test.for(['ENOSPC', 'EIO'] as const)(
    'with %s, what was stored stays valid and the store goes on afterwards',
    async (code) => {
      for (const verdict of ['fail', 'half'] as const) {
        let failedOnce = true;
        for (let nth = 1; failedOnce; nth += 1) {
          fresh();
          failedOnce = false;
          const progress: Progress = { confirmed: 0, passedIn: 0, errors: [] };
          const files = faultyFiles(
            REAL_FILES,
            (_name, call) => {
              if (call !== nth) return 'pass';
              failedOnce = true;
              return verdict;
            },
            () => systemError(code),
          );
          const store = new CheckpointStore(directory, openFence(1), { files });
          await runSteps(store, progress);
          const what = `${verdict} at call ${nth}: ${progress.errors.join(', ')}`;
          if (failedOnce) expect(progress.errors).toHaveLength(1);
          await expectAtLeast(progress.confirmed, progress.passedIn, what);
        }
      }
    },
  );

  test('and all after it fail too, what was stored stays valid', async () => {
    for (const verdict of ['fail', 'half'] as const) {
      let failedOnce = true;
      for (let nth = 1; failedOnce; nth += 1) {
        fresh();
        failedOnce = false;
        const progress: Progress = { confirmed: 0, passedIn: 0, errors: [] };
        const files = faultyFiles(
          REAL_FILES,
          (_name, call) => {
            if (call < nth) return 'pass';
            failedOnce = true;
            return call === nth ? verdict : 'fail';
          },
          () => systemError('EIO'),
        );
        await runSteps(new CheckpointStore(directory, openFence(1), { files }), progress);
        await expectAtLeast(progress.confirmed, progress.passedIn, `${verdict} from call ${nth} on`);
      }
    }
  });
});

describe('when the process is killed in the Nth call of the file system', () => {
  test('the next one finds what was confirmed', async () => {
    let nth = 0;
    let killed = true;
    async function work(): Promise<void> {
      const mine = fs.mkdtempSync(path.join(directory, 'run-'));
      while (killed) {
        nth += 1;
        const call = nth;
        fs.rmSync(mine, { recursive: true });
        fs.mkdirSync(mine);
        const run = await runChild(mine, call);
        killed &&= run.killed;
        const { checkpoint } = await new CheckpointStore(mine, openFence(99)).load();
        const step = stepOf(checkpoint);
        const ok = step >= run.confirmed && step <= run.confirmed + 3;
        expect({ call, step, ok }).toEqual({ call, step, ok: true });
        if (checkpoint !== null) expect(checkpoint).toEqual(checkpointOf(step));
      }
    }
    await Promise.all([work(), work()]);
    expect(nth).toBeGreaterThan(30);
  });
});

function runChild(at: string, nth: number): Promise<{ killed: boolean; confirmed: number }> {
  const child = spawn(process.execPath, [CHILD, at, String(nth)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`the child ended with ${code ?? signal}`));
      else resolve({ killed: signal === 'SIGKILL', confirmed: Number(said.trim().split('\n').at(-1)) });
    });
  });
}
