import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { REAL_FILES } from '../../src/state/files.ts';
import type { StateFiles } from '../../src/state/files.ts';
import { LineJournal } from '../../src/state/line-journal.ts';
import { faultyFiles, systemError } from './faulty-files.ts';
import { scratchDirectory } from './scratch.ts';

const FENCE = { generation: 1, check: () => undefined };

function scratch(): string {
  const directory = scratchDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function open(directory: string, files: StateFiles = REAL_FILES) {
  const records: unknown[] = [];
  const opened = await LineJournal.open(directory, 'j', { files, fence: FENCE, take: (one) => records.push(one) });
  return { ...opened, records };
}

test('what was appended is there after the next start, and after it was written anew', async () => {
  const directory = scratch();
  const { journal } = await open(directory);
  await journal.append([{ a: 1 }, { b: 'ü\n' }]);
  await journal.append([{ c: 3 }]);
  await journal.close();
  const second = await open(directory);
  expect(second.records).toEqual([{ a: 1 }, { b: 'ü\n' }, { c: 3 }]);
  await second.journal.replace([{ all: 1 }]);
  await second.journal.append([{ d: 4 }]);
  await second.journal.close();
  const third = await open(directory);
  expect(third.records).toEqual([{ all: 1 }, { d: 4 }]);
  await third.journal.close();
});

test('a half-written end is cut off, and a damaged record before it is passed over: both are said', async () => {
  const directory = scratch();
  const { journal } = await open(directory);
  await journal.append([{ a: 1 }, { b: 2 }, { c: 3 }]);
  await journal.close();
  const path = join(directory, 'j');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"b":2', '"b":7'));
  appendFileSync(path, 'deadbeef {"d":');
  const second = await open(directory);
  expect(second.records).toEqual([{ a: 1 }, { c: 3 }]);
  expect(second.findings.map(({ what }) => what)).toEqual(['torn', 'damaged']);
  await second.journal.append([{ e: 5 }]);
  await second.journal.close();
  const third = await open(directory);
  expect(third.records).toEqual([{ a: 1 }, { c: 3 }, { e: 5 }]);
  await third.journal.close();
});

test('what is noted is there at once, behind a half-written note too, and until it was written anew', async () => {
  const directory = scratch();
  const { journal } = await open(directory);
  await journal.append([{ a: 1 }]);
  journal.note({ n: 1 });
  expect((await open(directory)).records).toEqual([{ a: 1 }, { n: 1 }]);
  appendFileSync(join(directory, 'j.notes'), 'deadbeef {"n":');
  journal.note({ n: 2 });
  expect((await open(directory)).records).toEqual([{ a: 1 }, { n: 1 }, { n: 2 }]);
  await journal.replace([{ all: 1 }]);
  journal.note({ n: 3 });
  await journal.close();
  expect((await open(directory)).records).toEqual([{ all: 1 }, { n: 3 }]);
});

test('it is long when it holds twice what it had, and more than a little', async () => {
  const { journal } = await open(scratch());
  const record = { text: 'x'.repeat(1_000_000) };
  await journal.append([record, record, record]);
  expect(journal.isLong).toBe(false);
  await journal.append([record, record]);
  expect(journal.isLong).toBe(true);
  await journal.replace([record]);
  expect(journal.isLong).toBe(false);
  await journal.close();
});

test('whichever call fails, in whichever way: the old or the new is there, whole, and what is written afterwards too', async () => {
  for (const how of ['fail', 'half'] as const) {
    for (let nth = 1; ; nth += 1) {
      const directory = scratch();
      const { journal: first } = await open(directory);
      await first.append([{ a: 1 }]);
      await first.close();
      let reached = false;
      let armed = true;
      const files = faultyFiles(
        REAL_FILES,
        (_, call) => {
          reached ||= armed && call === nth;
          return armed && call === nth ? how : 'pass';
        },
        () => systemError('ENOSPC'),
      );
      let possible: unknown[][] = [[{ a: 1 }]];
      let journal: LineJournal | undefined;
      try {
        ({ journal } = await open(directory, files));
        const steps: [() => Promise<void>, unknown[]][] = [
          [() => (journal as LineJournal).append([{ b: 2 }]), [{ a: 1 }, { b: 2 }]],
          [() => (journal as LineJournal).replace([{ all: 1 }]), [{ all: 1 }]],
          [() => (journal as LineJournal).append([{ c: 3 }]), [{ all: 1 }, { c: 3 }]],
        ];
        for (const [step, after] of steps) {
          possible.push(after);
          await step();
          possible = [after];
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
      armed = false;
      if (journal !== undefined) {
        await journal.append([{ z: 9 }]);
        possible = possible.map((records) => [...records, { z: 9 }]);
        await journal.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'ENOSPC' }));
      }
      const last = await open(directory);
      expect(possible, `call ${nth} ${how}`).toContainEqual(last.records);
      await last.journal.close();
      if (!reached) break;
    }
  }
});
