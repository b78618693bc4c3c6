import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeadLetterFiles } from '../../src/state/dead-letter.ts';
import { recordKey } from '../../src/state/dead-letter-record.ts';
import { mergeRefusals, noteRefusals, readRefusals } from '../../src/state/dead-letter-refusals.ts';
import type { ReplayRefusal } from '../../src/state/dead-letter-refusals.ts';
import { REAL_FILES } from '../../src/state/files.ts';
import { readDeadLetters } from '../../src/state/read-dead-letter.ts';
import { forEveryCall } from './fault-loop.ts';
import { letter, openFence } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

let parent: string;
let directory: string;

beforeEach(() => {
  parent = scratchDirectory();
  directory = path.join(parent, 'dead-letter');
  fs.mkdirSync(directory);
});

afterEach(() => {
  fs.rmSync(parent, { recursive: true, force: true });
});

function refusal(record: number, replays: number, words = `no, for the ${replays}. time`): ReplayRefusal {
  const key = { record, source: 'audit', segment: 'a'.repeat(32), offset: record };
  return { key, reason: 'http-400', words, status: 400, replays, at: '2026-11-23T10:15:00.000Z' };
}

const keysOf = (...records: readonly number[]) => new Set(records.map((record) => recordKey(refusal(record, 0).key)));

async function noted(): Promise<(readonly [record: number, replays: number])[]> {
  return [...(await readRefusals(directory)).values()].map(({ key, replays }) => [key.record, replays] as const).sort();
}

const marks = (): string[] => fs.readdirSync(directory).filter((name) => name.startsWith('refused-'));

test('the newest refusal of a record is what is read, in one file once they are merged, without what is gone', async () => {
  await noteRefusals(directory, [refusal(1, 2), refusal(2, 1)]);
  await noteRefusals(directory, [refusal(1, 1), refusal(3, 1)]);
  await noteRefusals(directory, []);
  expect(await noted()).toEqual([
    [1, 2],
    [2, 1],
    [3, 1],
  ]);
  await mergeRefusals(directory, keysOf(1, 3));
  expect(await noted()).toEqual([
    [1, 2],
    [3, 1],
  ]);
  const [only, ...others] = marks();
  expect(others).toEqual([]);
  await mergeRefusals(directory, keysOf(1, 3));
  expect(marks()).toEqual([only]);
  await mergeRefusals(directory, keysOf());
  expect(marks()).toEqual([]);
});

test('a refusal is for its owner only, and no longer than a record lets words be', async () => {
  await noteRefusals(directory, [refusal(1, 1, 'x'.repeat(10_000))]);
  const [name = ''] = marks();
  expect(fs.statSync(path.join(directory, name)).mode & 0o777).toBe(0o600);
  expect([...(await readRefusals(directory)).values()][0]?.words).toHaveLength(2048);
});

test('a record is read with what was last said of it, and an agent that goes on leaves that alone', async () => {
  const box = await DeadLetterFiles.open(directory, openFence(), { maxBytes: 1e6 });
  await box.append([letter(0), letter(1)]);
  const letters = [];
  for await (const { key, meta, refusal: said } of readDeadLetters(directory)) letters.push({ key, meta, said });
  expect(letters.map(({ said }) => said)).toEqual([null, null]);
  const key = letters[1]?.key as ReplayRefusal['key'];
  await noteRefusals(directory, [{ ...refusal(0, 3), key }]);
  await box.remove([letters[0]?.key as ReplayRefusal['key']]);
  await box.append([letter(2)]);
  await box.close();
  const after = [];
  for await (const { meta, refusal: said } of readDeadLetters(directory)) after.push([meta.offset, said?.replays]);
  expect(after).toEqual([
    [1, 3],
    [2, undefined],
  ]);
});

test('when a call of the file system fails, what was noted before is still there', async () => {
  const runs = await forEveryCall(async ({ files, what }) => {
    for (const name of fs.readdirSync(directory)) fs.rmSync(path.join(directory, name));
    await noteRefusals(directory, [refusal(1, 1)]);
    await noteRefusals(directory, [refusal(1, 2)]);
    let failed = false;
    try {
      await noteRefusals(directory, [refusal(1, 3)], files);
      await mergeRefusals(directory, keysOf(1), files);
    } catch {
      failed = true;
    }
    const [[record, replays] = [0, 0], ...others] = await noted();
    expect({ what, record, others }).toEqual({ what, record: 1, others: [] });
    expect(replays).toBeGreaterThanOrEqual(failed ? 2 : 3);
    await mergeRefusals(directory, keysOf(1), REAL_FILES);
    expect(marks().filter((name) => name.endsWith('.json'))).toHaveLength(1);
  });
  expect(runs).toBeGreaterThan(20);
});
