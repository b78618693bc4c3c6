import { readdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_FILES } from '../../src/log/files.ts';
import { type FirstPins, pinFirst } from '../../src/log/first-pins.ts';
import { FollowedLog } from './support/followed-log.ts';

function pinsOf(log: FollowedLog): Promise<FirstPins> {
  return pinFirst(LOG_FILES, { path: log.path, stateDirectory: log.stateDirectory, minFree: { bytes: 0 } });
}

/** A log that was followed, and that nobody follows now. */
async function stoppedLog(): Promise<FollowedLog> {
  const log = new FollowedLog();
  log.write().write('{"a":1}\n');
  await log.start();
  await log.stop();
  return log;
}

describe('pins that are made before the program is loaded', () => {
  it('keep what is deleted while it is: a backup, and the live file', async () => {
    const log = await stoppedLog();
    const first = log.writer.rotate();
    log.writer.write('{"b":2}\n');
    const second = log.writer.rotate();
    log.writer.write('{"c":3}\n');
    await pinsOf(log);
    const third = log.writer.rotate();
    log.writer.write('{"d":4}\n');
    for (const backup of [first, second, third]) unlinkSync(backup);
    await log.start();
    await log.catchUp();
    expect(log.reader.lines).toEqual(['{"a":1}', '{"b":2}', '{"c":3}', '{"d":4}']);
    expect(log.reader.losses).toEqual([]);
    await log.catchUp();
    expect(log.pins()).toHaveLength(1);
  });

  it('keep what comes and goes while the program is loaded, each file by one pin', async () => {
    const log = await stoppedLog();
    const pins = await pinsOf(log);
    const backups: string[] = [];
    for (let at = 2; at < 10; at += 1) {
      backups.push(log.writer.rotate());
      log.writer.write(`{"n":${at}}\n`);
      await pins.again();
      await pins.again();
      expect(log.pins()).toHaveLength(at);
    }
    for (const backup of backups) unlinkSync(backup);
    await log.start();
    await log.catchUp();
    expect(log.reader.lines).toEqual(['{"a":1}', ...backups.map((_, at) => `{"n":${at + 2}}`)]);
    expect(log.reader.losses).toEqual([]);
  });

  it('are not made of what is pinned already', async () => {
    const log = await stoppedLog();
    const before = log.pins();
    await pinsOf(log);
    expect(log.pins()).toEqual(before);
  });

  it('are removed where the agent does not start, and those of an earlier run stay', async () => {
    const log = await stoppedLog();
    const before = log.pins();
    log.writer.rotate();
    log.writer.write('{"b":2}\n');
    const pins = await pinsOf(log);
    expect(log.pins()).toHaveLength(2);
    log.writer.rotate();
    log.writer.write('{"c":3}\n');
    await pins.again();
    expect(log.pins()).toHaveLength(3);
    await pins.removeAll();
    expect(log.pins()).toEqual(before);
  });

  it('of what everybody has settled go again', async () => {
    const log = await stoppedLog();
    await log.start();
    await log.catchUp();
    log.writer.rotate();
    log.writer.write('{"b":2}\n');
    await log.catchUp();
    await log.stop();
    await pinsOf(log);
    expect(log.pins()).toHaveLength(2);
    await log.start();
    await log.catchUp();
    expect(log.pins()).toHaveLength(1);
    expect(log.reader.lines).toEqual(['{"a":1}', '{"b":2}']);
  });

  it('are not made where no earlier run has left its directory: a first run makes them itself, once all is checked', async () => {
    const log = new FollowedLog();
    log.write().write('{"a":1}\n');
    await pinsOf(log);
    expect(readdirSync(log.directory)).toEqual(['audit.log']);
  });

  it('are made of the 64 oldest of ten thousand backups', async () => {
    const log = await stoppedLog();
    const names = Array.from(
      { length: 100 },
      (_, at) => `audit-2026-01-01T00-00-00.${String(at).padStart(3, '0')}.log`,
    );
    for (const name of names) writeFileSync(join(log.directory, name), '');
    await pinsOf(log);
    expect(log.pins()).toHaveLength(1 + 64);
  });

  it('leave a live name alone behind which there is no file', async () => {
    const log = await stoppedLog();
    renameSync(log.path, `${log.path}.moved`);
    await pinsOf(log);
    expect(log.pins()).toHaveLength(1);
  });

  it('are made of the others where a name is a link that leads to itself, and can be removed again', async () => {
    const log = await stoppedLog();
    const before = log.pins();
    const name = join(log.directory, 'audit-2026-01-01T00-00-00.000.log');
    symlinkSync(name, name);
    log.writer.rotate();
    log.writer.write('{"b":2}\n');
    const pins = await pinsOf(log);
    expect(log.pins()).toHaveLength(2);
    log.writer.rotate();
    log.writer.write('{"c":3}\n');
    await pins.again();
    expect(log.pins()).toHaveLength(3);
    await pins.removeAll();
    expect(log.pins()).toEqual(before);
  });
});
