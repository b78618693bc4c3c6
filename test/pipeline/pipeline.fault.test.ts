import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { KeptState, startPipeline, until, WriterOnDisk, type RunOptions } from './pipeline-harness.ts';
import { refuse, ScriptedOutput, STORED } from './scripted-output.ts';

function fullDisk(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

/** Whatever a pipeline writes to its state: two files, a torn line, a refused event. */
function story(idempotent: boolean) {
  const writer = new WriterOnDisk(join(temporaryDirectory(), 'log'));
  const state = new KeptState();
  const output = new ScriptedOutput(
    (lines, _request, part) => {
      const at = lines.findIndex((line) => line.includes('"auditID":"3"'));
      if (at === -1) return STORED;
      const item = part.items[at] as number;
      return { rejected: [{ item, status: 400, reason: 'bad', words: '', outcome: 'deadLettered' }] };
    },
    { idempotent },
  );
  writer.write(5);
  writer.raw('torn\n');
  writer.rotate();
  writer.write(4);
  const start = (more: Partial<RunOptions> = {}) =>
    startPipeline({ path: writer.path, output, state, ships: true, batch: { maxEvents: 2 }, ...more });
  return { writer, state, output, start };
}

function expectAll({ writer, state, output }: ReturnType<typeof story>): void {
  expect(output.stored.toSorted()).toEqual(writer.lines.filter((line) => !line.includes('"auditID":"3"')).toSorted());
  expect([...state.letters.values()].map(({ reason }) => reason).toSorted()).toEqual(['bad', 'not-json']);
  expect(state.ledger.map(({ counts }) => unaccounted(counts))).toEqual([{ events: 0, bytes: 0 }]);
  const totals = state.checkpoint?.totals ?? expect.fail('no checkpoint');
  expect(unaccounted(totals)).toEqual({ events: 0, bytes: 0 });
  expect(totals.readBytes).toBe(writer.bytes);
}

describe('a pipeline whose state fails', () => {
  for (const idempotent of [true, false]) {
    it(`delivers everything once, whichever call fails once (idempotent: ${idempotent})`, async () => {
      for (let failAt = 1; ; failAt += 1) {
        const told = story(idempotent);
        let calls = 0;
        told.state.before = () => {
          calls += 1;
          if (calls === failAt) throw fullDisk();
        };
        const running = await told.start();
        await running.ended;
        // The last checkpoint of all may be the one that failed: then it is as old as the one before.
        if (calls > failAt) expectAll(told);
        if (calls < failAt) break;
        expect(running.said.some(({ level }) => level !== 'info')).toBe(true);
      }
    });
  }

  it('sends nothing that could not be recognised when it came twice, as long as there is no note of it', async () => {
    const told = story(false);
    let full = true;
    told.state.before = () => {
      if (full) throw fullDisk();
    };
    const running = await told.start();
    await until(() => running.pipeline.status().state === 'holding');
    expect(running.pipeline.status()).toMatchObject({ reason: 'state-unwritable' });
    expect(running.pipeline.status().words).toContain('no space left on device');
    expect(told.output.sent).toEqual([]);
    full = false;
    await running.ended;
    expectAll(told);
  });

  it('goes on where copies are recognised, says that the checkpoint is behind, and when it no longer is', async () => {
    const told = story(true);
    let full = true;
    told.state.before = (call) => {
      if (full && (call === 'note' || call === 'save')) throw fullDisk();
    };
    const running = await told.start({ ships: false });
    await until(() => told.output.stored.length === 8);
    expect(running.pipeline.status()).toMatchObject({ state: 'retrying', reason: 'state-unwritable' });
    full = false;
    await until(() => running.pipeline.status().state === 'idle');
    await running.finish();
    expectAll(told);
    const warned = running.said.filter(({ message }) => message.startsWith('the checkpoint cannot be written'));
    expect(warned).toHaveLength(1);
  });

  it('does not count a segment as done before the ledger has its line', async () => {
    const told = story(true);
    told.state.before = (call) => {
      if (call === 'segmentSettled') throw fullDisk();
    };
    const running = await told.start({ ships: false });
    await until(() => told.output.stored.length === 8);
    await until(() => running.pipeline.status().state === 'holding');
    await running.kill();
    expect(told.state.checkpoint?.segments.some(({ done }) => done)).toBe(false);
    told.state.before = () => undefined;
    await (await told.start()).ended;
    expectAll(told);
  });

  it('ends when another agent has taken the state over', async () => {
    const { AuditailError } = await import('../../src/errors.ts');
    const told = story(true);
    told.state.before = () => {
      throw new AuditailError('AUD_STATE_LOCKED', 'superseded');
    };
    const running = await told.start({ ships: false });
    await expect(running.ended).rejects.toMatchObject({ code: 'AUD_STATE_LOCKED' });
    expect(told.output.stored).toEqual([]);
  });
});

describe('a pipeline whose log fails', () => {
  it('delivers everything once, whichever read fails', async () => {
    for (let failAt = 1; ; failAt += 1) {
      const told = story(true);
      let reads = 0;
      const files: LogFiles = {
        ...LOG_FILES,
        read: (...args) => {
          reads += 1;
          if (reads === failAt) return Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }));
          return LOG_FILES.read(...args);
        },
      };
      const running = await told.start({ files, ships: false });
      await until(() => told.output.stored.length === 8);
      await running.finish();
      expectAll(told);
      if (reads < failAt) break;
    }
  });

  it('cuts the range again that a failing read has interrupted', async () => {
    const told = story(true);
    told.output.script = () => new Promise(() => undefined);
    const first = await told.start({ ships: false });
    await until(() => told.output.sent.length === 2);
    void first.kill();
    const before = told.output.sent.splice(0);
    for (let failAt = 1; failAt < 12; failAt += 1) {
      let reads = 0;
      const files: LogFiles = {
        ...LOG_FILES,
        read: (...args) => {
          reads += 1;
          return reads === failAt ? Promise.reject(new Error('EIO')) : LOG_FILES.read(...args);
        },
      };
      told.output.script = (_lines, _request, part) => refuse(part, 'retry', 0, 'refused');
      const again = await told.start({ files, ships: false });
      await until(() => new Set(told.output.sent.map(({ key }) => key)).size === 2);
      void again.kill();
      expect(new Set(told.output.sent.splice(0).map(({ key, body }) => key + body))).toEqual(
        new Set(before.map(({ key, body }) => key + body)),
      );
    }
  });
});
