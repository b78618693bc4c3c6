import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LOG_FILES } from '../../src/log/files.ts';
import { FollowedLog } from './support/followed-log.ts';

function lines(from: number, count: number): string {
  return Array.from({ length: count }, (_, index) => `{"line":${from + index},"pad":"${'x'.repeat(50)}"}\n`).join('');
}

/** A backup half read: `count` lines, of which the reader has the first half. */
async function halfRead(
  options: ConstructorParameters<typeof FollowedLog>[0] = {},
): Promise<{ log: FollowedLog; all: string }> {
  const log = new FollowedLog(options);
  const writer = log.write();
  writer.write(lines(0, 50));
  await log.start();
  await log.reader.read();
  writer.write(lines(50, 50));
  return { log, all: lines(0, 100) };
}

describe('a rotation', () => {
  it('while a file is half read takes nothing away and repeats nothing', async () => {
    const { log, all } = await halfRead();
    log.writer.rotate();
    log.writer.write(lines(100, 10));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 10));
    expect(log.reader.losses).toEqual([]);
    expect(log.log.rotations).toBe(1);
  });

  it('within the same millisecond as the one before puts its file in the place of that backup, and both are read', async () => {
    const { log, all } = await halfRead();
    const backup = log.writer.rotate();
    log.writer.write(lines(100, 10));
    await log.look();
    renameSync(log.path, backup);
    writeFileSync(log.path, lines(110, 10));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 20));
    expect(log.reader.losses).toEqual([]);
    await log.restart();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 20));
    expect(log.reader.losses).toEqual([]);
  });

  it('is followed through the moment in which the live name is missing', async () => {
    const { log, all } = await halfRead();
    const backup = join(log.directory, log.log.names.backup(Date.UTC(2026, 10, 24)));
    renameSync(log.path, backup);
    await log.look();
    await log.reader.read();
    writeFileSync(log.path, '');
    await log.look();
    appendFileSync(log.path, lines(100, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
    expect(log.log.segments.at(-1)?.chained).toBe(true);
    expect(log.kinds()).not.toContain('unlinked');
  });

  it('is chained to the one before when that is the only new backup, and not when another stands between', async () => {
    const { log } = await halfRead();
    log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.look();
    expect(log.log.live?.chained).toBe(true);
    log.writer.rotate();
    log.writer.write(lines(101, 1));
    log.writer.rotate();
    log.writer.write(lines(102, 1));
    await log.look();
    expect(log.log.live?.chained).toBe(false);
  });

  it('is not taken for a chain when the file between was compressed at once', async () => {
    const { log } = await halfRead();
    log.writer.rotate();
    log.writer.write(lines(100, 1));
    const between = log.writer.rotate();
    writeFileSync(`${between}.gz`, gzipSync(readFileSync(between)));
    unlinkSync(between);
    log.writer.write(lines(101, 1));
    await log.look();
    expect(log.log.live?.chained).toBe(false);
    await log.catchUp();
    expect(log.reader.text).toBe(lines(0, 102));
  });

  it('is no gap for a reader that restarts, in whichever state the file was', async () => {
    const { log, all } = await halfRead();
    log.writer.rotate();
    await log.restart();
    log.writer.write(lines(100, 3));
    await log.restart();
    await log.catchUp();
    await log.restart();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 3));
    expect(log.reader.losses).toEqual([]);
  });

  it('counts the bytes written between the last look and it', async () => {
    const { log, all } = await halfRead();
    await log.look();
    log.writer.write(lines(100, 40));
    log.writer.rotate();
    log.writer.write(lines(140, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 41));
  });

  it('of a file without any newline gives out what is there, as torn', async () => {
    const log = new FollowedLog();
    log.write().write('{"no end');
    await log.start();
    await log.catchUp();
    expect(log.reader.pieces).toEqual([]);
    log.writer.rotate();
    log.writer.write(lines(1, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(`{"no end${lines(1, 1)}`);
    expect(log.reader.pieces).toContain('torn');
  });

  it('of an empty file leaves nothing behind', async () => {
    const log = new FollowedLog();
    log.write();
    await log.start();
    log.writer.rotate();
    log.writer.write(lines(1, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(lines(1, 1));
    expect(log.reader.losses).toEqual([]);
    expect(log.log.segments.length).toBe(1);
  });
});

describe('compression', () => {
  it.each([false, true])('of a half-read file goes on at the same offset inside it (restart: %s)', async (restart) => {
    const { log, all } = await halfRead({ pins: false, maxHeldFiles: 0 });
    const backup = log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.look();
    await log.reader.read(1);
    await log.reader.cursor.pause();
    if (restart) await log.stop();
    writeFileSync(`${backup}.gz`, gzipSync(readFileSync(backup)));
    unlinkSync(backup);
    if (restart) await log.start();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
    expect(log.reader.losses).toEqual([]);
    expect(log.reader.rewound).toEqual([]);
  });

  it('makes no second segment while the plain file and the growing .gz stand side by side', async () => {
    const { log, all } = await halfRead();
    const backup = log.writer.rotate();
    const whole = gzipSync(readFileSync(backup));
    for (const part of [0, 20, 60, whole.length]) {
      writeFileSync(`${backup}.gz`, whole.subarray(0, part));
      await log.look();
      expect(log.log.segments.length).toBe(1);
    }
    await log.restart();
    expect(log.log.segments.length).toBe(1);
    unlinkSync(backup);
    await log.catchUp();
    expect(log.reader.text).toBe(all);
  });

  it('that a kill of the writer cut off is begun anew when it starts again, and nothing is lost or comes twice', async () => {
    const { log, all } = await halfRead();
    const backup = log.writer.rotate();
    const whole = gzipSync(readFileSync(backup));
    writeFileSync(`${backup}.gz`, whole.subarray(0, 90));
    log.writer.write(lines(100, 5));
    await log.look();
    log.now += 60_000;
    await log.look(2);
    // It is truncated and written again from its beginning.
    for (const part of [0, 30, whole.length]) {
      writeFileSync(`${backup}.gz`, whole.subarray(0, part));
      await log.look();
    }
    unlinkSync(backup);
    await log.look();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 5));
    expect(log.reader.losses).toEqual([]);
    expect(log.log.segments).toHaveLength(2);
  });

  it('of a backup that arrives alone and grows is waited for', async () => {
    const log = new FollowedLog();
    log.write().write(lines(100, 1));
    const name = join(log.directory, log.log?.names.backup(0) ?? 'audit-2026-11-23T00-00-00.000.log');
    const whole = gzipSync(lines(0, 2000));
    writeFileSync(`${name}.gz`, whole.subarray(0, whole.length / 2));
    await log.start();
    await log.catchUp();
    expect(log.reader.losses).toEqual([]);
    log.now += 3000;
    writeFileSync(`${name}.gz`, whole.subarray(0, whole.length - 3));
    await log.catchUp();
    log.now += 3000;
    await log.catchUp();
    expect(log.reader.losses).toEqual([]);
    writeFileSync(`${name}.gz`, whole);
    await log.catchUp();
    expect(log.reader.lines.length).toBe(2001);
    expect(log.reader.losses).toEqual([]);
  });

  it('that was cut off for good is salvaged, and the rest is lost: corrupt', async () => {
    const log = new FollowedLog();
    log.write().write(lines(5000, 1));
    const whole = gzipSync(lines(0, 2000));
    const name = 'audit-2026-11-23T00-00-00.000.log.gz';
    writeFileSync(join(log.directory, name), whole.subarray(0, whole.length / 2));
    await log.start();
    await log.look();
    log.now += 6000;
    await log.catchUp();
    expect(log.reader.losses).toEqual([expect.objectContaining({ reason: 'corrupt', name })]);
    const salvaged = [...log.reader.given.values()].find((text) => text.startsWith('{"line":0,')) ?? '';
    expect(salvaged.length).toBeGreaterThan(1000);
    expect(lines(0, 2000).startsWith(salvaged)).toBe(true);
    expect(log.reader.losses[0]?.from).toBe(salvaged.length);
    expect(log.reader.text).toContain('"line":5000');
  });

  it('that was cut off before the place that was reached loses only the rest', async () => {
    const { log } = await halfRead({ pins: false, maxHeldFiles: 0 });
    const backup = log.writer.rotate();
    await log.reader.cursor.pause();
    const cut = gzipSync(lines(0, 20));
    await log.stop();
    writeFileSync(`${backup}.gz`, cut.subarray(0, cut.length - 9));
    unlinkSync(backup);
    await log.start();
    log.now += 6000;
    await log.catchUp();
    const from = lines(0, 50).length;
    expect(log.reader.losses).toEqual([expect.objectContaining({ reason: 'corrupt', from })]);
    expect(log.reader.text).toBe(lines(0, 50));
  });

  it.each([
    ['nothing at all', Buffer.alloc(0)],
    ['no gzip data', Buffer.from('this is no gzip file at all')],
    ['half a header', gzipSync('x').subarray(0, 5)],
  ])('that left %s is reported', async (_, bytes) => {
    const log = new FollowedLog();
    log.write().write(lines(0, 1));
    const name = 'audit-2026-11-23T00-00-00.000.log.gz';
    writeFileSync(join(log.directory, name), bytes);
    await log.start();
    log.now += 6000;
    await log.catchUp();
    expect(log.reader.losses).toEqual([expect.objectContaining({ reason: 'corrupt', name, from: 0 })]);
    expect(log.reader.text).toBe(lines(0, 1));
  });
});

describe('hands on the log', () => {
  it('removing the live file: what is written to it on is read', async () => {
    const { log, all } = await halfRead();
    unlinkSync(log.path);
    await log.catchUp();
    log.writer.write(lines(100, 5));
    await log.catchUp();
    log.now += 2000;
    await log.catchUp();
    log.writer.write(lines(105, 5));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 10));
    expect(log.kinds().filter((kind) => kind === 'unlinked')).toEqual(['unlinked']);
    writeFileSync(log.path, lines(110, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 11));
    expect(log.reader.losses).toEqual([]);
  });

  it('removing the live file while the agent is down: its pin is read to the end', async () => {
    const { log, all } = await halfRead();
    await log.look();
    await log.stop();
    unlinkSync(log.path);
    writeFileSync(log.path, lines(200, 1));
    await log.start();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(200, 1));
    expect(log.reader.losses).toEqual([]);
    expect(log.pins().length).toBe(1);
  });

  it('moving the live file to another name of the directory: it is read on, whatever the name', async () => {
    const { log, all } = await halfRead();
    renameSync(log.path, join(log.directory, 'audit.log.1'));
    log.writer.write(lines(100, 5));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 5));
  });

  it('moving the live file to the name of a backup: what is written to it on is read after all', async () => {
    const { log, all } = await halfRead();
    renameSync(log.path, join(log.directory, 'audit-2026-11-24T00-00-00.000.log'));
    await log.catchUp();
    log.writer.write(lines(100, 5));
    log.now += 31_000;
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 5));
    expect(log.kinds()).toContain('grown');
  });

  it('a settled file that was torn and grows is read again from the torn line on', async () => {
    const { log, all } = await halfRead();
    log.writer.write('{"torn');
    const backup = log.writer.rotate();
    log.writer.write(lines(200, 1));
    await log.catchUp();
    appendFileSync(backup, `":1}\n`);
    log.now += 31_000;
    await log.catchUp();
    expect([...log.reader.given.values()][0]).toBe(`${all}{"torn":1}\n`);
  });

  it('copying the live file makes no second segment, before or after its rotation', async () => {
    const { log, all } = await halfRead();
    copyFileSync(log.path, join(log.directory, 'audit-2026-11-22T00-00-00.000.log'));
    await log.catchUp();
    expect(log.log.segments.length).toBe(1);
    expect(log.log.live).not.toBeNull();
    log.writer.write(lines(100, 5));
    await log.catchUp();
    log.writer.rotate();
    log.writer.write(lines(105, 5));
    await log.catchUp();
    await log.restart();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 10));
    expect(log.reader.losses).toEqual([]);
  });

  it('a copy that is shorter than the file takes nothing from it, nor does its removal', async () => {
    const { log, all } = await halfRead();
    const backup = log.writer.rotate();
    const copy = join(log.directory, 'audit-2026-11-22T00-00-00.000.log');
    writeFileSync(copy, readFileSync(backup).subarray(0, 500));
    await log.look();
    unlinkSync(copy);
    await log.look();
    await log.catchUp();
    expect(log.reader.text).toBe(all);
    expect(log.reader.losses).toEqual([]);
  });

  it('a copy serves when the file itself is removed', async () => {
    const { log, all } = await halfRead({ pins: false, maxHeldFiles: 0 });
    const backup = log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.reader.cursor.pause();
    await log.look();
    copyFileSync(backup, join(log.directory, 'audit-2026-11-22T00-00-00.000.log'));
    await log.look();
    unlinkSync(backup);
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
    expect(log.reader.losses).toEqual([]);
  });

  it('truncating the live file: the unread is lost with its range, and what comes after is read', async () => {
    const { log } = await halfRead();
    await log.look();
    truncateSync(log.path);
    appendFileSync(log.path, lines(300, 2));
    await log.catchUp();
    expect(log.reader.losses).toEqual([
      expect.objectContaining({
        reason: 'truncated',
        proof: 'certain',
        from: lines(0, 50).length,
        to: lines(0, 100).length,
      }),
    ]);
    expect(log.reader.text).toBe(lines(0, 50) + lines(300, 2));
    expect(log.kinds()).toEqual(expect.arrayContaining(['truncated', 'replaced']));
  });

  it('truncating a file that was read to its end: a loss is suspected, since nobody can know', async () => {
    const { log } = await halfRead();
    await log.catchUp();
    truncateSync(log.path);
    appendFileSync(log.path, lines(300, 1));
    await log.catchUp();
    expect(log.reader.losses).toEqual([expect.objectContaining({ reason: 'truncated', proof: 'suspected' })]);
    expect(log.reader.text).toBe(lines(0, 100) + lines(300, 1));
  });

  it('truncating and writing past the old size between two looks is noticed by the bytes before the place', async () => {
    const { log } = await halfRead();
    await log.catchUp();
    writeFileSync(log.path, lines(300, 200));
    await log.catchUp();
    expect(log.reader.text).toBe(lines(0, 100) + lines(300, 200));
    expect(log.reader.losses.map(({ reason }) => reason)).toEqual(['truncated']);
  });

  it('an external copytruncate leaves NULs, which are counted and skipped', async () => {
    const { log, all } = await halfRead();
    await log.catchUp();
    // The writer has no O_APPEND after a rotation: it writes on where it was, behind a hole.
    log.writer.rotate();
    log.writer.write(lines(100, 20));
    await log.catchUp();
    const hole = statSync(log.path).size;
    copyFileSync(log.path, join(log.directory, 'audit.log.1'));
    truncateSync(log.path);
    log.writer.write(lines(120, 3));
    await log.catchUp();
    expect(log.reader.pieces).toContain('nul');
    expect([...log.reader.given.values()]).toEqual([all, lines(100, 20), `${'\0'.repeat(hole)}${lines(120, 3)}`]);
    await log.restart();
    await log.catchUp();
    expect([...log.reader.given.values()].length).toBe(3);
  });

  it('a copytruncate to the name of a backup is found by what is in it: nothing is lost', async () => {
    const { log, all } = await halfRead();
    await log.look();
    copyFileSync(log.path, join(log.directory, 'audit-2026-11-24T00-00-00.000.log'));
    truncateSync(log.path);
    appendFileSync(log.path, lines(300, 1));
    await log.catchUp();
    expect(log.reader.losses).toEqual([]);
    expect(log.reader.text).toBe(all + lines(300, 1));
  });

  it('replacing the live file by another: the old one is read to its end through its descriptor', async () => {
    const { log, all } = await halfRead();
    writeFileSync(`${log.path}.new`, lines(300, 3));
    renameSync(`${log.path}.new`, log.path);
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(300, 3));
    expect(log.reader.losses).toEqual([]);
  });

  it('two files that begin with the same line and go on differently are two segments, also after a restart', async () => {
    const log = new FollowedLog();
    log.write();
    const first = '{"same":true}\n';
    writeFileSync(join(log.directory, 'audit-2026-11-22T00-00-00.000.log'), first + lines(0, 3));
    writeFileSync(join(log.directory, 'audit-2026-11-22T00-00-01.000.log'), first + lines(3, 3));
    log.writer.write(first + lines(6, 3));
    await log.start();
    await log.reader.read(3);
    await log.restart();
    await log.catchUp();
    const all = first + lines(0, 3) + first + lines(3, 3) + first + lines(6, 3);
    expect(log.reader.text).toBe(all);
    await log.restart();
    await log.catchUp();
    expect(log.reader.text).toBe(all);
    expect(log.reader.losses).toEqual([]);
  });

  it('a closed file that was cut off loses only what was cut', async () => {
    const { log } = await halfRead();
    const backup = log.writer.rotate();
    await log.look();
    const kept = lines(0, 70).length;
    truncateSync(backup, kept);
    await log.catchUp();
    expect(log.reader.text).toBe(lines(0, 70));
    expect(log.reader.losses).toEqual([
      expect.objectContaining({ reason: 'truncated', from: kept, to: lines(0, 100).length }),
    ]);
  });
});

describe('a power loss', () => {
  it.each(['live', 'rotated'])(
    'that left a %s file shorter than what was read goes back to the newest mark that holds',
    async (state) => {
      const { log } = await halfRead({ pins: false });
      await log.catchUp();
      const half = lines(0, 50).length;
      await log.stop();
      truncateSync(log.path, lines(0, 60).length);
      const place = [...log.reader.places.values()][0];
      if (place !== undefined) place.done = false;
      if (state === 'rotated') {
        renameSync(log.path, join(log.directory, 'audit-2026-11-24T00-00-00.000.log'));
        writeFileSync(log.path, lines(200, 1));
      } else appendFileSync(log.path, lines(200, 1));
      await log.start();
      await log.catchUp();
      expect(log.reader.rewound).toEqual([{ from: lines(0, 100).length, to: half }]);
      expect(log.reader.text).toBe(lines(0, 60) + lines(200, 1));
    },
  );

  it('that left other bytes before the place (zeros, say) goes back behind them', async () => {
    const { log } = await halfRead({ pins: false });
    await log.catchUp();
    await log.stop();
    const kept = lines(0, 90);
    writeFileSync(log.path, `${kept}${'\0'.repeat(lines(90, 10).length)}\n${lines(200, 1)}`);
    await log.start();
    await log.catchUp();
    expect(log.reader.rewound).toEqual([{ from: lines(0, 100).length, to: lines(0, 50).length }]);
    expect(log.reader.text.startsWith(kept)).toBe(true);
    expect(log.reader.text.endsWith(lines(200, 1))).toBe(true);
  });

  it('is said at once, not only when the file has grown to its old size', async () => {
    const { log } = await halfRead({ pins: false });
    await log.catchUp();
    await log.stop();
    truncateSync(log.path, lines(0, 60).length);
    await log.start();
    await log.catchUp();
    expect(log.reader.rewound.length).toBe(1);
  });
});

describe('the clock', () => {
  it('stepping back puts a name before what was read, and the file is read all the same', async () => {
    const { log, all } = await halfRead();
    await log.catchUp();
    log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.catchUp();
    await log.stop();
    const old = join(log.directory, 'audit-2026-11-20T00-00-00.000.log');
    renameSync(log.path, old);
    writeFileSync(log.path, lines(102, 1));
    appendFileSync(old, lines(101, 1));
    await log.start();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 3));
    expect(log.reader.losses).toEqual([]);
  });

  it.each([
    ['forward and back', [3_600_000, -3_600_000]],
    ['back and forward', [-86_400_000, 86_400_000]],
    ['back twice', [-3_600_000, -86_400_000]],
    ['forward twice', [86_400_000, 86_400_000]],
  ])('jumping %s with rotations in between takes nothing away, also over a restart', async (_, steps) => {
    const { log, all } = await halfRead();
    let next = 100;
    for (const step of [0, ...steps]) {
      log.stepClock(step);
      for (let file = 0; file < 3; file += 1) {
        log.writer.rotate();
        log.writer.write(lines(next, 2));
        next += 2;
        if (file === 1) await log.look();
      }
      await log.restart();
      await log.reader.read(1);
    }
    await log.catchUp();
    expect(log.reader.lines.toSorted()).toEqual((all + lines(100, next - 100)).trimEnd().split('\n').toSorted());
    expect(log.reader.losses).toEqual([]);
  });

  it('stepping back while the live file is read does not keep an old name from being read', async () => {
    const { log, all } = await halfRead();
    await log.catchUp();
    writeFileSync(join(log.directory, 'audit-2020-01-01T00-00-00.000.log'), lines(900, 2));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(900, 2));
  });
});

describe('deletion', () => {
  it('of an unread backup that is pinned takes nothing away, over a restart too', async () => {
    const { log, all } = await halfRead();
    const backup = log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.look();
    unlinkSync(backup);
    await log.look();
    await log.restart();
    expect(log.pins().length).toBe(2);
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
    expect(log.pins().length).toBe(1);
  });

  it('of an unread backup that is held open takes nothing away until the agent ends', async () => {
    const { log, all } = await halfRead({ pins: false });
    const backup = log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.look();
    unlinkSync(backup);
    await log.look(3);
    await log.reader.cursor.pause();
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
    expect(log.reader.losses).toEqual([]);
  });

  it('of an unread backup that nothing kept is a loss with its range', async () => {
    const { log } = await halfRead({ pins: false, maxHeldFiles: 0 });
    const backup = log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.reader.cursor.pause();
    await log.look(2);
    unlinkSync(backup);
    await log.catchUp();
    expect(log.reader.losses).toEqual([
      expect.objectContaining({
        reason: 'deleted',
        proof: 'certain',
        from: lines(0, 50).length,
        to: lines(0, 100).length,
      }),
    ]);
    expect(log.reader.text).toBe(lines(0, 50) + lines(100, 1));
  });

  it('of a file that had been read to its end is no loss', async () => {
    const { log, all } = await halfRead({ pins: false, maxHeldFiles: 0 });
    await log.catchUp();
    const backup = log.writer.rotate();
    await log.look();
    unlinkSync(backup);
    log.writer.write(lines(100, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
    expect(log.reader.losses).toEqual([]);
  });

  it('is not believed at the first look: a file that is being renamed can escape one', async () => {
    let hides = false;
    const list = async (directory: string) => {
      const names = await LOG_FILES.list(directory);
      if (!hides) return names;
      hides = false;
      return names.filter((name) => name === 'audit.log');
    };
    const { log, all } = await halfRead({ pins: false, maxHeldFiles: 0, files: { ...LOG_FILES, list } });
    log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.reader.cursor.pause();
    await log.look(2);
    hides = true;
    await log.look();
    await log.catchUp();
    expect(log.reader.losses).toEqual([]);
    expect(log.reader.text).toBe(all + lines(100, 1));
  });

  it('right after the rotation, before anybody has looked, is known with the size that the file came to', async () => {
    const { log } = await halfRead();
    await log.look();
    log.writer.write(lines(100, 5));
    unlinkSync(log.writer.rotate());
    await log.look();
    expect(log.log.segments[0]?.size).toBe(lines(0, 105).length);
    expect(log.log.retention.retained(log.log.segments).bytes).toBe(lines(0, 105).length);
  });

  it('of one name of a file that is moved is no loss', async () => {
    const { log, all } = await halfRead({ pins: false, maxHeldFiles: 0 });
    const backup = log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.reader.cursor.pause();
    await log.look();
    renameSync(backup, join(log.directory, 'audit-2026-11-25T00-00-00.000.log'));
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
    expect(log.reader.losses).toEqual([]);
  });

  it('gives the same inode number to another file, and the two are kept apart', async () => {
    const { log, all } = await halfRead({ pins: false, maxHeldFiles: 0 });
    const seen = new Set<bigint>();
    let text = all;
    for (let round = 0; round < 6; round += 1) {
      await log.catchUp();
      const backup = log.writer.rotate();
      seen.add(statSync(backup, { bigint: true }).ino);
      log.writer.write(lines(1000 + round, 1));
      text += lines(1000 + round, 1);
      await log.catchUp();
      rmSync(backup);
      await log.catchUp();
    }
    expect(log.reader.text).toBe(text);
    expect(log.reader.losses).toEqual([]);
  });
});

describe('names that are no log files', () => {
  it('a directory, a symbolic link that leads nowhere and a huge name keep nothing from being read', async () => {
    const log = new FollowedLog();
    log.write().write(lines(0, 2));
    mkdirSync(join(log.directory, 'audit-2026-11-22T00-00-00.000.log'));
    symlinkSync('/nowhere', join(log.directory, 'audit-2026-11-22T00-00-01.000.log'));
    writeFileSync(join(log.directory, `audit-${'9'.repeat(240)}.log`), 'x\n');
    await log.start();
    await log.catchUp();
    expect(log.reader.text).toBe(lines(0, 2));
    expect(log.log.readable).toBe(true);
    expect(log.kinds()).toContain('unreadable-backup');
    const told = log.anomalies.length;
    log.now += 5000;
    await log.catchUp();
    expect(log.anomalies.length).toBe(told);
  });

  it('a symbolic link as the live path is followed, also when it is led elsewhere', async () => {
    const log = new FollowedLog();
    const one = join(log.directory, '0.log');
    writeFileSync(one, lines(0, 2));
    symlinkSync(one, log.path);
    await log.start();
    await log.catchUp();
    appendFileSync(one, lines(2, 2));
    writeFileSync(join(log.directory, '1.log'), lines(4, 2));
    unlinkSync(log.path);
    symlinkSync('1.log', log.path);
    await log.catchUp();
    expect(log.reader.text).toBe(lines(0, 6));
    expect(log.reader.losses).toEqual([]);
    expect(log.pins().length).toBe(1);
  });

  it('a directory under the live name is said, and followed by a file there', async () => {
    const log = new FollowedLog();
    mkdirSync(log.path);
    await log.start();
    expect(log.log.words).toContain('no regular file');
    rmSync(log.path, { recursive: true });
    log.write().write(lines(0, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(lines(0, 1));
  });

  it('a directory that is not there yet is waited for', async () => {
    const log = new FollowedLog();
    rmSync(log.directory, { recursive: true });
    await log.start();
    expect(log.log.readable).toBe(false);
    expect(log.log.words).toContain('is not there');
    await log.look(3);
    expect(log.kinds()).toEqual(['unreadable']);
    log.write().write(lines(0, 1));
    await log.catchUp();
    expect(log.reader.text).toBe(lines(0, 1));
    expect(log.kinds()).toEqual(['unreadable', 'readable']);
  });

  it('a hard link to the live file under the name of a backup is the live file', async () => {
    const { log, all } = await halfRead();
    linkSync(log.path, join(log.directory, 'audit-2026-11-22T00-00-00.000.log'));
    await log.catchUp();
    log.writer.write(lines(100, 1));
    await log.catchUp();
    log.now += 31_000;
    await log.catchUp();
    expect(log.reader.text).toBe(all + lines(100, 1));
  });
});

describe('a file that was half read when the agent ended', () => {
  it('and is gone when it starts again is a loss, told once', async () => {
    const { log } = await halfRead({ pins: false });
    log.writer.rotate();
    log.writer.write(lines(100, 1));
    await log.stop();
    rmSync(join(log.directory, log.writer.backups()[0] ?? ''));
    await log.start();
    await log.catchUp();
    expect(log.reader.losses).toEqual([
      expect.objectContaining({ reason: 'deleted', proof: 'suspected', from: lines(0, 50).length }),
    ]);
    await log.restart();
    await log.catchUp();
    expect(log.reader.losses.length).toBe(1);
    expect(log.reader.text).toBe(lines(0, 50) + lines(100, 1));
  });

  it('is not given up while a file is there of which nothing could be read yet', async () => {
    const { log, all } = await halfRead({ pins: false });
    const backup = log.writer.rotate();
    await log.stop();
    const whole = gzipSync(readFileSync(backup));
    unlinkSync(backup);
    writeFileSync(`${backup}.gz`, whole.subarray(0, 5));
    await log.start();
    await log.catchUp();
    expect(log.reader.losses).toEqual([]);
    writeFileSync(`${backup}.gz`, whole);
    log.now += 1100;
    await log.catchUp();
    expect(log.reader.losses).toEqual([]);
    expect(log.reader.text).toBe(all);
  });
});
