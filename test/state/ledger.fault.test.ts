import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { REAL_FILES } from '../../src/state/files.ts';
import { readLedger } from '../../src/state/read-ledger.ts';
import { forEveryCall } from './fault-loop.ts';
import { killAtEveryCall } from './killed-child.ts';
import { fillLedger, LAST_SEGMENT } from './ledger-steps.ts';
import { segmentEntry } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

let directory: string;

beforeEach(() => {
  directory = scratchDirectory();
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

/** The first entries stand there once each and in their order, and as many at least as were confirmed. */
async function expectAtLeast(at: string, what: string, confirmed: number): Promise<void> {
  const entries = [];
  for await (const entry of readLedger(at)) entries.push(entry);
  const expected = Array.from({ length: entries.length }, (_, index) => segmentEntry(index + 1));
  expect({ what, entries, enough: entries.length >= confirmed }).toEqual({ what, entries: expected, enough: true });
}

/** What the next agent does: it goes over everything again. */
async function fillAgain(at: string, what: string): Promise<void> {
  const errors: unknown[] = [];
  await fillLedger(
    at,
    REAL_FILES,
    () => undefined,
    (error) => errors.push(error),
  );
  expect({ what, errors }).toEqual({ what, errors: [] });
  await expectAtLeast(at, what, LAST_SEGMENT);
}

test('when a call of the file system fails, no confirmed entry is lost, and none stands there twice', async () => {
  const runs = await forEveryCall(async ({ files, once, what }) => {
    fs.rmSync(directory, { recursive: true });
    fs.mkdirSync(directory);
    let confirmed = 0;
    const errors: unknown[] = [];
    await fillLedger(
      directory,
      files,
      (segment) => {
        confirmed = segment;
      },
      (error) => errors.push(error),
    );
    if (once) expect({ what, few: errors.length <= 1 }).toEqual({ what, few: true });
    await expectAtLeast(directory, what, confirmed);
    await fillAgain(directory, what);
  });
  expect(runs).toBeGreaterThan(150);
});

test('when the process is killed in a call of the file system, no confirmed entry is lost', async () => {
  const runs = await killAtEveryCall('ledger-child.ts', directory, async ({ directory: at, call, said }) => {
    const what = `killed in call ${call}`;
    await expectAtLeast(at, what, Number(said.at(-1) ?? 0));
    await fillAgain(at, what);
  });
  expect(runs).toBeGreaterThan(40);
});
