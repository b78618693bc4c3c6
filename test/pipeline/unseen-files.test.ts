import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import type { LogFiles } from '../../src/log/files.ts';
import { LOG_FILES } from '../../src/log/files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { eventLine, idOf, KeptState, startPipeline, until, WriterOnDisk, type RunOptions } from './pipeline-harness.ts';
import { ScriptedOutput, STORED } from './scripted-output.ts';

function setUp() {
  const writer = new WriterOnDisk(join(temporaryDirectory(), 'log'));
  const state = new KeptState();
  const output = new ScriptedOutput();
  const start = (more: Partial<RunOptions> = {}) => startPipeline({ path: writer.path, output, state, ...more });
  return { writer, state, output, start };
}

/** A rotation after which the writer deletes the backup. */
function rotateAway(writer: WriterOnDisk): void {
  rmSync(writer.rotate());
}

/** Without pins, as on a log that is mounted read-only. */
const NO_LINKS: LogFiles = {
  ...LOG_FILES,
  link: () => Promise.reject(Object.assign(new Error('read-only'), { code: 'EROFS' })),
};

/** The name of a backup stands in the log's directory when that is read first, and its file has gone. */
function showingOnce(backup: string): LogFiles['list'] {
  let shown = false;
  return async (directory) => {
    const names = await LOG_FILES.list(directory);
    if (!names.includes('audit.log') || shown) return names;
    shown = true;
    return [...names, basename(backup)];
  };
}

test('a file that came and went while the agent was down, behind one that lost its name, is in the ledger', async () => {
  const { writer, state, output, start } = setUp();
  writer.write(2);
  const running = await start();
  await until(() => output.stored.length === 2);
  await running.kill();

  writer.write(1);
  rotateAway(writer);
  writer.write(3);
  rotateAway(writer);
  writer.write(2);
  await (await start({ ships: true })).ended;

  expect(output.stored.map(idOf)).toEqual(['0', '1', '2', '6', '7']);
  expect(state.losses).toMatchObject([
    { reason: 'gap', proof: 'suspected', after: { auditID: '2' }, before: { auditID: '6' } },
  ]);
});

test.each([
  ['right before the file that is read next', 0],
  ['among others that nobody has seen', 2],
])('a file of which only the name was seen, and the gap that it leaves, are one loss: %s', async (_, others) => {
  const { writer, state, output, start } = setUp();
  writer.write(2);
  const running = await start();
  await until(() => output.stored.length === 2);
  await running.kill();

  rotateAway(writer);
  writer.write(3);
  const backup = writer.rotate();
  rmSync(backup);
  for (let other = 0; other < others; other += 1) {
    writer.write(1);
    rotateAway(writer);
  }
  writer.write(2);
  await (await start({ ships: true, files: { ...LOG_FILES, list: showingOnce(backup) } })).ended;

  expect(output.stored.map(idOf)).toEqual(['0', '1', String(5 + others), String(6 + others)]);
  expect(state.losses).toMatchObject([
    { reason: 'gap', proof: 'certain', after: { auditID: '1' }, before: { auditID: String(5 + others) } },
  ]);
  expect(state.losses[0]?.words).toContain(`${basename(backup)} was there and gone before it could be opened`);
});

test('a file of which only the name was seen is in the ledger, also where it leaves no gap that could be seen', async () => {
  const { writer, state, output, start } = setUp();
  writer.write(2);
  await (await start({ files: { ...LOG_FILES, list: showingOnce('audit-2020-01-01T00-00-00.000.log') } })).finish();
  expect(output.stored.map(idOf)).toEqual(['0', '1']);
  expect(state.losses).toMatchObject([
    { reason: 'deleted', proof: 'certain', name: 'audit-2020-01-01T00-00-00.000.log' },
  ]);
});

test('where the file that lost its name ends as the next one begins, nothing is lost, and nothing is said', async () => {
  const { writer, state, output, start } = setUp();
  writer.write(1);
  const running = await start();
  await until(() => output.stored.length === 1);
  await running.kill();

  const atMs = Date.UTC(2026, 10, 23, 1);
  writer.raw(eventLine('last', atMs));
  rotateAway(writer);
  writer.raw(eventLine('first', atMs + 20));
  await (await start({ ships: true })).ended;

  expect(output.stored.map(idOf)).toEqual(['0', 'last', 'first']);
  expect(state.losses).toEqual([]);
});

test('without pins, an unread file that its writer deleted before a kill -9 is in the ledger', async () => {
  const { writer, state, output, start } = setUp();
  writer.write(2);
  output.script = (_lines, request) => (request === 0 ? STORED : new Promise(() => undefined));
  const running = await start({ files: NO_LINKS, batch: { maxInFlight: 1, maxEvents: 1 } });
  await until(() => output.sent.length === 2);
  // The next one is known to the log, and held open, but nobody has come to it.
  const first = writer.rotate();
  writer.write(3);
  const second = writer.rotate();
  writer.write(1);
  await until(() => running.log.segments.length === 3);
  for (const backup of [first, second]) rmSync(backup);
  await running.log.refresh(true);
  // What it sends is never answered: nobody can wait for its end.
  void running.kill();

  output.script = () => STORED;
  await (await start({ files: NO_LINKS, ships: true })).ended;

  expect(output.stored.map(idOf)).toEqual(['0', '5']);
  expect(state.losses).toMatchObject([
    { reason: 'deleted', proof: 'suspected' },
    { reason: 'deleted', proof: 'suspected' },
    { reason: 'gap', proof: 'suspected', before: { auditID: '5' } },
  ]);
});

test('a backup that was settled in an earlier run, and goes while the agent starts, is no loss', async () => {
  const { writer, state, output, start } = setUp();
  writer.write(2);
  const running = await start();
  await until(() => output.stored.length === 2);
  const backup = writer.rotate();
  writer.write(1);
  // It may be settled before the name is seen that it got.
  await until(() => {
    const [first] = state.checkpoint?.segments ?? [];
    return output.stored.length === 3 && first?.done === true && first.name === basename(backup);
  });
  await running.kill();

  rmSync(backup);
  const again = await start({ files: { ...LOG_FILES, list: showingOnce(backup) } });
  await until(() => again.log.missed.length === 1);
  await again.finish();

  expect(state.losses).toEqual([]);
});

test('what retention lets go while the receiver is down is in the ledger at once, and once', async () => {
  const { writer, state, output, start } = setUp();
  writer.write(3);
  const up = Promise.withResolvers<typeof STORED>();
  output.script = () => up.promise;
  const running = await start({ retainBytes: 100, batch: { maxInFlight: 1, maxEvents: 1 } });
  await until(() => output.sent.length === 1);
  for (let file = 0; file < 3; file += 1) {
    const backup = writer.rotate();
    writer.write(2);
    await running.log.refresh(true);
    rmSync(backup);
    await running.log.refresh(true);
  }
  // The first file has been read already; those that nobody had come to are told of while the first batch still waits.
  await until(() => state.losses.length === 2);
  expect(state.losses).toMatchObject([
    { reason: 'retention', proof: 'certain', from: 0 },
    { reason: 'retention', proof: 'certain', from: 0 },
  ]);

  up.resolve(STORED);
  await running.finish();
  expect(state.losses).toHaveLength(2);
  expect(output.stored.map(idOf)).toEqual(['0', '1', '2', '7', '8']);
  expect(running.pipeline.status().lagBytes).toBe(0);
});
