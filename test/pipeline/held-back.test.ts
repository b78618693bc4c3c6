import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { idOf, KeptState, startPipeline, until, WriterOnDisk, type RunOptions } from './pipeline-harness.ts';
import { ScriptedOutput } from './scripted-output.ts';

const MI = 2 ** 20;

function setUp() {
  const writer = new WriterOnDisk(join(temporaryDirectory(), 'log'));
  const state = new KeptState();
  const output = new ScriptedOutput();
  const start = (more: Partial<RunOptions> = {}) => startPipeline({ path: writer.path, output, state, ...more });
  return { writer, state, output, start };
}

/** Without pins, as on a log that is mounted read-only. */
const NO_LINKS: LogFiles = {
  ...LOG_FILES,
  link: () => Promise.reject(Object.assign(new Error('read-only'), { code: 'EROFS' })),
};

test('a backlog is read no faster than at the rate that is set', async () => {
  const { writer, state, output, start } = setUp();
  for (let file = 0; file < 4; file += 1) {
    if (file > 0) writer.rotate();
    writer.write(1000, 6000);
  }
  const begun = performance.now();
  const running = await start({ ships: true, maxReadRate: 12 * MI });
  await running.ended;
  const seconds = (performance.now() - begun) / 1000;
  expect(output.stored.length).toBe(4000);
  expect(state.losses).toEqual([]);
  const due = writer.bytes / (12 * MI);
  // The last read need not be waited for.
  expect(seconds).toBeGreaterThan(due - 1 / 12 - 0.01);
  expect(running.pipeline.status().readLimit).toMatchObject({ maxReadRate: 12 * MI, givesWay: false });
  expect(running.pipeline.status().readLimit?.heldBackSeconds).toBeGreaterThan(due / 2);
});

test('what has been read is sent in time while more must wait', async () => {
  const { writer, output, start } = setUp();
  writer.write(700, 6000);
  const running = await start({ maxReadRate: MI, batch: { maxBytes: 64 * MI, maxDelay: 5 } });
  await until(() => output.stored.length > 0);
  expect(running.pipeline.status().lagBytes).toBeGreaterThan(2 * MI);
  running.stop.abort(new Error('enough'));
  await running.ended;
});

test('a backlog that the writer is about to delete, and that cannot be pinned, is read at once', async () => {
  const { writer, state, output, start } = setUp();
  const backups: string[] = [];
  for (let file = 0; file < 8; file += 1) {
    writer.write(500, 6000);
    backups.push(writer.rotate());
  }
  writer.write(1);
  const running = await start({ files: NO_LINKS, maxReadRate: MI });
  // By the rate alone it would take half a minute; the writer deletes one after the other.
  await running.log.refresh(true);
  for (const backup of backups) {
    rmSync(backup);
    await running.log.refresh(true);
  }
  await until(() => running.pipeline.status().readLimit?.givesWay === true);
  await until(() => output.stored.length === 4001);
  await running.finish();
  expect(output.stored.map(idOf).toSorted()).toEqual(writer.lines.map(idOf).toSorted());
  expect(state.losses).toEqual([]);
  expect(running.said.filter(({ message }) => message.startsWith('maxReadRate gives way'))).toHaveLength(1);
});

test('a backlog that is pinned is read at the rate that is set, whatever the writer deletes', async () => {
  const { writer, state, output, start } = setUp();
  const backups: string[] = [];
  for (let file = 0; file < 3; file += 1) {
    writer.write(500, 6000);
    backups.push(writer.rotate());
  }
  writer.write(1);
  const running = await start({ maxReadRate: 4 * MI });
  for (const backup of backups) {
    rmSync(backup);
    await running.log.refresh(true);
  }
  const begun = performance.now();
  await until(() => output.stored.length === 1501);
  expect(performance.now() - begun).toBeGreaterThan(1500);
  expect(running.pipeline.status().readLimit?.givesWay).toBe(false);
  await running.finish();
  expect(state.losses).toEqual([]);
});
