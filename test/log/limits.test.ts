import { chmodSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogNames } from '../../src/log/file-name.ts';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { FaultyFiles } from './support/faulty-files.ts';
import { FollowedLog } from './support/followed-log.ts';
import { shell } from './support/shell.ts';

/** Writes so many backups of one line each, oldest first. */
function writeBackups(log: FollowedLog, count: number): string {
  const names = new LogNames(log.path);
  let text = '';
  for (let number = 0; number < count; number += 1) {
    const line = `{"file":${number}}\n`;
    writeFileSync(names.path(names.backup(Date.UTC(2026, 0, 1) + number * 1000)), line);
    text += line;
  }
  return text;
}

function refuse(path: string): Promise<never> {
  return Promise.reject(
    Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES', path }),
  );
}

describe('long lines', () => {
  it.each([1, 5, 40])('of %i MB come out whole, and the memory for them is given back', async (megabytes) => {
    const log = new FollowedLog({ maxLineBytes: 64 << 20 });
    const long = `${'y'.repeat(megabytes << 20)}\n`;
    log.write().write(`{"a":1}\n${long}{"b":2}\n`);
    await log.start();
    await log.catchUp();
    expect(log.reader.text === `{"a":1}\n${long}{"b":2}\n`).toBe(true);
    log.writer.write('{"c":3}\n');
    await log.catchUp();
    expect(log.reader.cursor.heldBytes).toBeLessThan(1_100_000);
  });

  it('over maxLineBytes are passed over with their range, and the file goes on', async () => {
    const log = new FollowedLog({ maxLineBytes: 2 << 20 });
    const long = 'y'.repeat(5 << 20);
    log.write().write(`{"a":1}\n${long}\n{"b":2}\n`);
    await log.start();
    await log.catchUp();
    expect(log.reader.pieces).toEqual(['lines', 'oversize', 'lines']);
    expect(log.reader.text.replace(/#+/, 'LONG')).toBe('{"a":1}\nLONG{"b":2}\n');
    expect(log.reader.text.length).toBe(8 + long.length + 1 + 8);
  });

  it('that are still being written hold nobody up, and are not given out before they end', async () => {
    const log = new FollowedLog({ maxLineBytes: 1 << 20 });
    log.write().write(`{"a":1}\n${'y'.repeat(3 << 20)}`);
    await log.start();
    await log.catchUp();
    expect(log.reader.pieces).toEqual(['lines']);
    log.writer.write(`${'y'.repeat(1 << 20)}\n{"b":2}\n`);
    await log.catchUp();
    expect(log.reader.pieces).toEqual(['lines', 'oversize', 'lines']);
    expect(log.reader.text.endsWith('#{"b":2}\n')).toBe(true);
  });

  it('that never end are given out as far as they go when the file is rotated, also after a restart in the middle', async () => {
    const log = new FollowedLog({ maxLineBytes: 1 << 20 });
    log.write().write(`{"a":1}\n${'y'.repeat(3 << 20)}`);
    await log.start();
    await log.catchUp();
    await log.restart();
    await log.catchUp();
    log.writer.rotate();
    log.writer.write('{"b":2}\n');
    await log.catchUp();
    expect(log.reader.pieces.filter((kind) => kind === 'oversize').length).toBe(1);
    expect(log.reader.text.length).toBe(8 + (3 << 20) + 8);
  });

  it('that are cut away while they are passed over do not hold the cursor for ever', async () => {
    const log = new FollowedLog({ maxLineBytes: 1 << 20 });
    log.write().write(`{"a":1}\n${'y'.repeat(3 << 20)}`);
    await log.start();
    await log.catchUp();
    writeFileSync(log.path, '{"a":1}\n{"b":2}\n');
    await log.catchUp();
    expect(log.reader.text).toBe('{"a":1}\n{"b":2}\n');
  });
});

describe('many backups', () => {
  it('a thousand are read with few descriptors, in order', async () => {
    const log = new FollowedLog({ pins: false, maxHeldFiles: 8 });
    const text = writeBackups(log, 1000);
    log.write().write('{"live":1}\n');
    await log.start();
    await log.catchUp();
    expect(log.reader.text).toBe(`${text}{"live":1}\n`);
  });

  it('are not looked at again while nothing changes: an idle look is two stats, and a growing log is no more', async () => {
    const files = new FaultyFiles();
    const log = new FollowedLog({ files });
    writeBackups(log, 300);
    log.write().write('{"live":1}\n');
    await log.start();
    await log.catchUp();
    await log.glance(2);
    files.calls.length = 0;
    await log.glance(5);
    expect(files.calls).toEqual(Array.from({ length: 10 }, () => 'factsOf'));
    files.calls.length = 0;
    log.writer.write('{"live":2}\n');
    await log.glance();
    expect(files.calls).toEqual(['factsOf', 'factsOf']);
  });

  it('that are pinned and unread cost an idle look no more', async () => {
    const files = new FaultyFiles();
    const log = new FollowedLog({ files });
    writeBackups(log, 300);
    log.write().write('{"live":1}\n');
    await log.start();
    await log.glance(3);
    files.calls.length = 0;
    await log.glance(5);
    expect(files.calls).toEqual(Array.from({ length: 10 }, () => 'factsOf'));
  });

  it('ten thousand fit into a process that may open 256 files', { timeout: 60_000 }, () => {
    const log = new FollowedLog();
    writeBackups(log, 10_000);
    const child = join(import.meta.dirname, 'support', 'many-backups-child.ts');
    const output = shell('ulimit -n 256 && exec "$1" "$2" "$3"', process.execPath, child, log.path);
    expect(JSON.parse(output)).toEqual({ lines: 10_000, losses: 0, words: '' });
  });
});

describe('retention', () => {
  it('lets the oldest go when what is kept exceeds maxBytes, and says what was in it', async () => {
    const log = new FollowedLog({ retention: { maxBytes: 100, minFree: { bytes: 0 } } });
    writeBackups(log, 12);
    log.write().write('{"live":1}\n');
    await log.start();
    for (const name of log.writer.backups().slice(0, 10)) unlinkSync(join(log.directory, name));
    await log.look(2);
    await log.catchUp();
    // Ten files of 11 bytes were kept, of which nine fit.
    expect(log.reader.losses).toEqual([expect.objectContaining({ reason: 'retention', from: 0, to: 11 })]);
    expect(log.reader.lines.length).toBe(12);
    expect(log.pins().length).toBe(1);
  });

  it('counts a plain pin beside a compressed backup, and falls back to that without a loss', async () => {
    const log = new FollowedLog({ retention: { maxBytes: 100, minFree: { bytes: 0 } } });
    const writer = log.write({ compress: true });
    const line = `{"pad":"${'x'.repeat(500)}"}\n`;
    writer.write(line);
    await log.start();
    await log.reader.read(0);
    writer.rotate();
    writer.write('{"live":1}\n');
    await log.look();
    await writer.mill();
    await log.look(2);
    expect(log.pins().some((name) => name.endsWith('.gz'))).toBe(true);
    expect(log.log.retention.retained(log.log.segments).bytes).toBe(0);
    await log.catchUp();
    expect(log.reader.text).toBe(`${line}{"live":1}\n`);
    expect(log.reader.losses).toEqual([]);
  });

  it('takes back a descriptor that a stalled reader has on loan, so that the space is free at once', async () => {
    const log = new FollowedLog({ pins: false, retention: { maxBytes: 100, minFree: { bytes: 0 } } });
    log.write().write(`{"pad":"${'x'.repeat(500)}"}\n`.repeat(5));
    await log.start();
    await log.reader.read(1);
    const backup = log.writer.rotate();
    log.writer.write('{"live":1}\n');
    await log.look();
    unlinkSync(backup);
    await log.look(2);
    const segment = log.log.segments[0];
    expect(segment?.gone).toBe('retention');
    expect(segment?.reachable).toBe(false);
    await log.catchUp();
    // All of it had been given out when it was let go.
    expect(log.reader.losses).toEqual([]);
  });

  it('never takes more than the filesystem can spare (on a filesystem of its own)', async (test) => {
    const log = new FollowedLog({ retention: { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { share: 0.5 } } });
    try {
      shell('mount -t tmpfs -o size=4m auditail-test "$1"', log.directory);
    } catch {
      return test.skip('mounting a tmpfs takes root: not tried');
    }
    test.onTestFinished(async () => {
      await log.stop();
      shell('umount -l "$1"', log.directory);
    });
    const line = `${'z'.repeat(1 << 20)}\n`;
    const names = new LogNames(log.path);
    log.write().write('{"live":1}\n');
    await log.start();
    for (let number = 0; number < 2; number += 1) {
      const backup = names.path(names.backup(Date.UTC(2026, 0, 1) + number));
      writeFileSync(backup, `${number}${line}`);
      await log.look();
      unlinkSync(backup);
    }
    await log.look(2);
    expect(log.log.retention.retained(log.log.segments).files).toBe(1);
    const { free, total } = await LOG_FILES.space(log.directory);
    expect(free).toBeGreaterThanOrEqual(total / 2);
    await log.catchUp();
    expect(log.reader.losses.map(({ reason }) => reason)).toEqual(['retention']);
  });
});

describe('names that could do harm', () => {
  it('a FIFO and a device under the names of backups are never opened', async (test) => {
    const log = new FollowedLog();
    log.write().write('{"a":1}\n');
    const names = new LogNames(log.path);
    const fifo = names.path(names.backup(Date.UTC(2026, 0, 1)));
    const device = names.path(names.backup(Date.UTC(2026, 0, 2)));
    shell('mkfifo "$1"', fifo);
    try {
      shell('mknod "$1" c 1 5', device);
    } catch {
      test.annotate('making a device takes root: tried with the FIFO alone');
    }
    const opened: string[] = [];
    const files = { ...LOG_FILES, open: (path: string) => (opened.push(path), LOG_FILES.open(path)) };
    const followed = new FollowedLog({ files, path: log.path });
    await followed.start();
    await followed.catchUp();
    expect(followed.reader.text).toBe('{"a":1}\n');
    expect(opened).not.toContain(fifo);
    expect(opened).not.toContain(device);
  });

  it('a FIFO under the live name is said and does not block', async () => {
    const log = new FollowedLog();
    shell('mkfifo "$1"', log.path);
    await log.start();
    expect(log.log.words).toContain('no regular file');
    unlinkSync(log.path);
    log.write().write('{"a":1}\n');
    await log.catchUp();
    expect(log.reader.text).toBe('{"a":1}\n');
  });

  it('a file that may not be read is said with the user, its mode and owner, and what to do', async () => {
    const log = new FollowedLog({ files: { ...LOG_FILES, open: refuse } });
    log.write().write('{"a":1}\n');
    chmodSync(log.path, 0o600);
    await log.start();
    const uid = process.geteuid?.();
    expect(log.log.readable).toBe(false);
    expect(log.log.words).toBe(
      `uid ${uid} may not read it: EACCES: permission denied, open '${log.path}'; ${log.path} has mode 0600 and belongs ` +
        `to uid ${uid}: run auditail as that user, or give a group of its own the right to read (chgrp, and chmod 0640; ` +
        'new files of the API server keep both)',
    );
  });

  it('a directory that may not be read is said with the user', (test) => {
    if (process.getuid?.() !== 0) return test.skip('becoming another user takes root: not tried');
    const log = new FollowedLog();
    mkdirSync(log.stateDirectory, { recursive: true });
    log.write().write('{"a":1}\n');
    const child = join(import.meta.dirname, 'support', 'many-backups-child.ts');
    const command = 'setpriv --reuid=65534 --regid=65534 --clear-groups "$1" "$2" "$3"';
    const output = shell(command, process.execPath, child, log.path);
    expect(JSON.parse(output)).toMatchObject({
      lines: 0,
      words: expect.stringMatching(
        /^uid 65534 may not read it: .*EACCES.*; \S+ has mode 0700 and belongs to uid 0: run auditail as that user, or give .* 0750/,
      ),
    });
  });
});

describe('a change of the directory', () => {
  it('is seen by its time stamp alone, and so is a second one within the same tick of the clock', async () => {
    let mtimeMs = 5000;
    const files: LogFiles = {
      ...LOG_FILES,
      factsOf: async (path) => {
        const facts = await LOG_FILES.factsOf(path);
        return facts === null ? null : { ...facts, mtimeMs };
      },
    };
    const log = new FollowedLog({ files });
    log.write().write('{"live":1}\n');
    await log.start();
    await log.glance(3);
    writeBackups(log, 1);
    await log.glance(3);
    expect(log.log.segments.length).toBe(1);
    mtimeMs += 4;
    await log.log.refresh();
    expect(log.log.segments.length).toBe(2);
    // A look for another reason does not make up for the one that is due.
    await log.log.refresh(true);
    writeBackups(log, 2);
    await log.log.refresh();
    expect(log.log.segments.length).toBe(2);
    await log.glance();
    expect(log.log.segments.length).toBe(3);
  });
});
