import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { REAL_FILES } from '../../src/state/files.ts';
import { readDeadLetters } from '../../src/state/read-dead-letter.ts';
import { fillBox, LONG, openBox, REMAINING } from './dead-letter-steps.ts';
import { forEveryCall } from './fault-loop.ts';
import { killAtEveryCall } from './killed-child.ts';
import { letter } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

let directory: string;

beforeEach(() => {
  directory = scratchDirectory();
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

/** What was confirmed, as it came: `added 3`, `removing 3`, `removed 3`. */
type Said = readonly string[];

async function storedOffsets(at: string): Promise<number[]> {
  const offsets: number[] = [];
  for await (const { key, bytes } of readDeadLetters(path.join(at, 'dead-letter'))) {
    const expected = key.offset === 5 ? LONG : letter(key.offset).bytes;
    expect((await bytes()).equals(expected)).toBe(true);
    offsets.push(key.offset);
  }
  return offsets;
}

/** All that was confirmed is there, once, and nothing that was removed; in between either may be. */
async function expectConfirmed(at: string, what: string, said: Said): Promise<void> {
  const stored = await storedOffsets(at);
  const of = (act: string) =>
    said.filter((line) => line.startsWith(`${act} `)).map((line) => Number(line.split(' ')[1]));
  const [added, removing, removed] = [of('added'), of('removing'), of('removed')];
  const missing = added.filter((offset) => !removing.includes(offset) && !stored.includes(offset));
  const revived = removed.filter((offset) => stored.includes(offset));
  const twice = stored.filter((offset, index) => stored.indexOf(offset) !== index);
  expect({ what, missing, revived, twice }).toEqual({ what, missing: [], revived: [], twice: [] });
}

/** The next agent finds the same, its sums are those of the files, and it can go on. */
async function expectGoesOn(at: string, what: string): Promise<void> {
  const before = await storedOffsets(at);
  const box = await openBox(at, REAL_FILES);
  expect({ what, findings: box.findings.filter((finding) => finding.what !== 'torn') }).toEqual({ what, findings: [] });
  expect(await storedOffsets(at)).toEqual(before);
  await box.append([letter(99)]);
  expect(await storedOffsets(at)).toEqual([...before, 99]);
  const names = fs.readdirSync(path.join(at, 'dead-letter')).filter((name) => name.endsWith('.records'));
  const sizes = names.map((name) => fs.statSync(path.join(at, 'dead-letter', name)).size);
  expect({ what, records: box.records, bytes: box.bytes }).toEqual({
    what,
    records: before.length + 1,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  });
  await box.close();
}

test('when a call of the file system fails, what was set aside stays, once, and what was removed is gone', async () => {
  const runs = await forEveryCall(async ({ files, once, what }) => {
    fs.rmSync(directory, { recursive: true });
    fs.mkdirSync(directory);
    const said: string[] = [];
    const errors: unknown[] = [];
    await fillBox(directory, files, {
      added: (offset) => said.push(`added ${offset}`),
      removing: (offset) => said.push(`removing ${offset}`),
      removed: (offset) => said.push(`removed ${offset}`),
      failed: (error) => errors.push(error),
    });
    if (once) {
      expect({ what, few: errors.length <= 1 }).toEqual({ what, few: true });
      expect({ what, stored: (await storedOffsets(directory)).toSorted() }).toEqual({ what, stored: REMAINING });
    }
    await expectConfirmed(directory, what, said);
    await expectGoesOn(directory, what);
  });
  expect(runs).toBeGreaterThan(200);
});

test('when the process is killed in a call of the file system, what was set aside stays, once', async () => {
  const runs = await killAtEveryCall('dead-letter-child.ts', directory, async ({ directory: at, call, said }) => {
    const what = `killed in call ${call}`;
    await expectConfirmed(at, what, said);
    await expectGoesOn(at, what);
  });
  expect(runs).toBeGreaterThan(60);
});
