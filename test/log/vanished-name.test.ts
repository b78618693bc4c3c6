import { renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { Log } from '../../src/log/log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const VANISHED = 'audit-2026-11-23T07-59-07.434.log';

/** Shows a name in the directory, once, whose file is gone when it is opened. */
function filesThatShow(name: string, logDirectory: string): LogFiles {
  let shown = false;
  return {
    ...LOG_FILES,
    list: async (directory) => {
      const names = await LOG_FILES.list(directory);
      if (directory !== logDirectory || shown) return names;
      shown = true;
      return [...names, name];
    },
  };
}

async function open(directory: string, files: LogFiles, now?: () => number): Promise<Log> {
  const log = new Log({
    name: 'log',
    path: join(directory, 'audit.log'),
    files,
    stateDirectory: directory,
    pins: true,
    spool: false,
    retention: { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } },
    maxHeldFiles: 100,
    ...(now === undefined ? {} : { now }),
    reference: () => null,
    anomaly: () => undefined,
  });
  log.register({ name: 'reader', remembered: () => [] }, []);
  await log.begin();
  onTestFinished(() => log.close());
  return log;
}

test('a name that vanishes before it was opened is not taken for that of a file pinned in an earlier run', async () => {
  const directory = temporaryDirectory();
  const live = join(directory, 'audit.log');
  writeFileSync(live, 'first\n');
  await (await open(directory, LOG_FILES)).close();

  // While the agent is down: the pinned file is rotated and deleted, and so is another one, which nobody has seen.
  const backup = join(directory, 'audit-2026-11-23T07-59-07.368.log');
  renameSync(live, backup);
  unlinkSync(backup);
  writeFileSync(live, 'third\n');
  const log = await open(directory, filesThatShow(VANISHED, directory));
  await log.refresh(true);

  expect(log.missed.map(({ name }) => name)).toEqual([VANISHED]);
  // By its instant another file would seem to follow on what was read before.
  expect(log.instants).toEqual([]);
});

/** Ended so long before the name that vanished, by the file system. */
async function restartedWithPinEnded(beforeMs: number): Promise<Log> {
  const directory = temporaryDirectory();
  const live = join(directory, 'audit.log');
  writeFileSync(live, 'first\n');
  await (await open(directory, LOG_FILES)).close();
  const written = new Date(Date.UTC(2026, 10, 23, 7, 59, 7, 434) - beforeMs);
  utimesSync(live, written, written);
  unlinkSync(live);
  writeFileSync(live, 'third\n');
  const log = await open(directory, filesThatShow(VANISHED, directory));
  await log.refresh(true);
  return log;
}

test('a file pinned in an earlier run owns the name of the moment in which it was last written to', async () => {
  const log = await restartedWithPinEnded(3);
  expect(log.missed).toEqual([]);
  expect(log.segments.map(({ name }) => name)).toEqual([VANISHED, 'audit.log']);
});

test('a file pinned under a name owns it, whenever it was last written to', async () => {
  const directory = temporaryDirectory();
  const backup = join(directory, VANISHED);
  writeFileSync(backup, 'first\n');
  await (await open(directory, LOG_FILES)).close();
  unlinkSync(backup);
  writeFileSync(join(directory, 'audit.log'), 'second\n');
  const log = await open(directory, filesThatShow(VANISHED, directory));
  await log.refresh(true);

  expect(log.missed).toEqual([]);
  expect(log.segments.map(({ name }) => name)).toEqual([VANISHED, 'audit.log']);
  expect(log.instants).toEqual([Date.UTC(2026, 10, 23, 7, 59, 7, 434)]);
});

test('a name that vanishes long after a pinned file was written to may be of another: a loss, suspected', async () => {
  const log = await restartedWithPinEnded(2000);
  expect(log.missed).toMatchObject([{ name: VANISHED, proof: 'suspected' }]);
});

test('a file that was live long ago does not take the name of another that came and went since', async () => {
  const directory = temporaryDirectory();
  const live = join(directory, 'audit.log');
  let now = 1000;
  writeFileSync(live, 'first\n');
  const log = await open(directory, { ...LOG_FILES, ...filesThatShowLater(directory) }, () => now);
  const written = new Date(Date.UTC(2026, 10, 23, 7, 59, 0));
  utimesSync(live, written, written);
  unlinkSync(live);
  writeFileSync(live, 'third\n');
  now += 1000;
  await log.refresh(true);
  await log.refresh(true);

  expect(log.missed).toMatchObject([{ name: VANISHED, proof: 'suspected' }]);
});

test('the file that was live a moment ago owns the name that vanished', async () => {
  const directory = temporaryDirectory();
  const live = join(directory, 'audit.log');
  writeFileSync(live, 'first\n');
  const log = await open(directory, { ...LOG_FILES, ...filesThatShowLater(directory) }, () => 1000);
  unlinkSync(live);
  writeFileSync(live, 'second\n');
  await log.refresh(true);
  await log.refresh(true);

  expect(log.missed).toEqual([]);
  expect(log.segments.map(({ name }) => name)).toEqual([VANISHED, 'audit.log']);
});

test('an agent that is held up while it looks has not watched what came and went', async () => {
  const directory = temporaryDirectory();
  const live = join(directory, 'audit.log');
  let now = 1000;
  let heldUpMs = 0;
  writeFileSync(live, 'first\n');
  const factsOf = (path: string) => {
    if (path === live) now += heldUpMs;
    return LOG_FILES.factsOf(path);
  };
  const log = await open(directory, { ...LOG_FILES, ...filesThatShowLater(directory), factsOf }, () => now);
  replaceLongAfter(live, 'third\n');
  heldUpMs = 1000;
  await log.refresh(true);
  await log.refresh(true);

  expect(log.missed).toMatchObject([{ name: VANISHED, proof: 'suspected' }]);
});

test('a file that is gone between a look at it and its opening was not the one before the next', async () => {
  const directory = temporaryDirectory();
  const live = join(directory, 'audit.log');
  let looks = Number.POSITIVE_INFINITY;
  writeFileSync(live, 'first\n');
  const factsOf = (path: string) => {
    if (path === live) looks -= 1;
    if (path === live && looks === 0) replaceLongAfter(live, 'third\n');
    return LOG_FILES.factsOf(path);
  };
  const log = await open(directory, { ...LOG_FILES, ...filesThatShowLater(directory), factsOf }, () => 1000);
  replaceLongAfter(live, 'second\n');
  looks = 2;
  await log.refresh(true);
  await log.refresh(true);

  expect(log.missed).toMatchObject([{ name: VANISHED, proof: 'suspected' }]);
});

/** Puts another file in the place of one that was written to last long before. */
function replaceLongAfter(live: string, text: string): void {
  const written = new Date(Date.UTC(2026, 10, 23, 7, 59, 0));
  utimesSync(live, written, written);
  renameSync(live, `${live}.gone`);
  writeFileSync(live, text);
  unlinkSync(`${live}.gone`);
}

/** As `filesThatShow`, but not in the first look. */
function filesThatShowLater(logDirectory: string): Pick<LogFiles, 'list'> {
  let looks = 0;
  return {
    list: async (directory) => {
      const names = await LOG_FILES.list(directory);
      if (directory === logDirectory) looks += 1;
      return directory === logDirectory && looks === 3 ? [...names, VANISHED] : names;
    },
  };
}
