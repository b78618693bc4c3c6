import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Files, nodeFiles, type OpenFile } from '../../../src/output/file/append-file.ts';
import { createFileOutput } from '../../../src/output/file/file.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig, scratch } from './file-support.ts';

const signal = new AbortController().signal;

/** The real file system, in which the calls of these numbers fail. A failing write has written half of what it should. */
function failing(numbers: ReadonlySet<number>, code: string) {
  let calls = 0;
  let mended = false;
  function check(what: string): void {
    if (mended) return;
    calls += 1;
    if (numbers.has(calls)) throw Object.assign(new Error(`${code}: ${what}`), { code });
  }
  function wrap(file: OpenFile): OpenFile {
    return {
      stat: async () => (check('fstat'), await file.stat()),
      read: async (...read) => (check('read'), await file.read(...read)),
      async write(buffer, offset, length) {
        try {
          check('write');
        } catch (error) {
          await file.write(buffer, offset, length >> 1);
          throw error;
        }
        // Disks that are nearly full, and signals, make writes short.
        return await file.write(buffer, offset, Math.min(length, 100));
      },
      truncate: async (length) => (check('truncate'), await file.truncate(length)),
      datasync: async () => (check('fdatasync'), await file.datasync()),
      sync: async () => (check('fsync'), await file.sync()),
      async close() {
        await file.close();
        check('close');
      },
    };
  }
  const files: Files = {
    async open(path, flags, mode) {
      check('open');
      return wrap(await nodeFiles.open(path, flags, mode));
    },
    stat: async (path) => (check('stat'), await nodeFiles.stat(path)),
  };
  return { files, calls: () => calls, mend: () => (mended = true) };
}

/** Sends three parts, each until it is delivered; returns the events in the file and how many lines are none. */
async function run({ files, mend }: ReturnType<typeof failing>, path: string) {
  const output = createFileOutput(outputConfig({ type: 'file', path }), {}, files);
  const problems: string[] = [];
  for (let number = 0; number < 3; number += 1) {
    const part = wholePart(
      batchOf(
        output,
        ['a', 'b'].map((letter) => auditLine({ auditID: `${number}${letter}` })),
      ),
    );
    for (let attempt = 0; ; attempt += 1) {
      if (attempt > 5) throw new Error('it never gets through');
      const { again } = await output.send(part, signal);
      if (again.length === 0) break;
      problems.push(`${again[0]?.how} ${again[0]?.reason}`);
      expect(again[0]?.items).toEqual(part.items);
    }
  }
  mend();
  await output.close();
  let torn = 0;
  const events: string[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    try {
      events.push((JSON.parse(line) as { auditID: string }).auditID);
    } catch {
      torn += 1;
    }
  }
  return { events, torn, problems };
}

const EVENTS = ['0a', '0b', '1a', '1b', '2a', '2b'];

describe('the file output on a disk that fails', () => {
  it.each(['ENOSPC', 'EIO'])(
    'delivers each event once and tears no line when any one call fails with %s',
    async (code) => {
      using directory = scratch();
      const clean = failing(new Set(), code);
      expect(await run(clean, directory.at('clean'))).toEqual({ events: EVENTS, torn: 0, problems: [] });
      for (let call = 1; call <= clean.calls(); call += 1) {
        const disk = failing(new Set([call]), code);
        const { events, torn, problems } = await run(disk, directory.at(`${call}`));
        expect({ call, events, torn, problems }).toEqual({
          call,
          events: EVENTS,
          torn: 0,
          problems: [code === 'EIO' ? 'retry io-error' : 'retry disk-full'],
        });
      }
    },
  );

  it('loses no event when any two calls in a row fail', async () => {
    using directory = scratch();
    const clean = failing(new Set(), 'EIO');
    await run(clean, directory.at('clean'));
    for (let call = 1; call <= clean.calls(); call += 1) {
      const disk = failing(new Set([call, call + 1]), 'EIO');
      const { events } = await run(disk, directory.at(`${call}`));
      expect({ call, events: [...new Set(events)] }).toEqual({ call, events: EVENTS });
    }
  });
});
