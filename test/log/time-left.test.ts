import { describe, expect, it } from 'vitest';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { FollowedLog, type FollowOptions } from './support/followed-log.ts';

let written = 0;

/** A line of 100 bytes, unlike all others. */
function line(): string {
  written += 1;
  return `{"a":"${String(written).padStart(91, '0')}"}\n`;
}

/** A log that grows by 1000 bytes a second and rotates every 10 seconds; its reader reads nothing. */
async function growing(options: FollowOptions, seconds = 35, maxBackups?: number): Promise<FollowedLog> {
  const log = new FollowedLog(options);
  log.write({ maxSizeBytes: 10_000, ...(maxBackups === undefined ? {} : { maxBackups }) }).write(line());
  await log.start();
  for (let second = 0; second < seconds; second += 1) {
    for (let count = 0; count < 10; count += 1) log.writer.write(line());
    await log.look(1, 1000);
    await log.writer.mill();
    await log.look(1, 0);
  }
  return log;
}

describe('the time that a reader has left', () => {
  it('counts what is written across rotations', async () => {
    const log = await growing({});
    expect(log.log.rotations).toBe(3);
    expect(log.log.rate.bytesPerSecond).toBeCloseTo(1000, -1);
  });

  it('is taken to end with the next rotation until the writer has been seen to delete', async () => {
    const log = await growing({ pins: false });
    expect(log.log.deadlineSeconds('one')).toBeNull();
    // The live file has about 5 s to go.
    const { secondsLeft, bytesPerSecond } = log.log.pressure('one');
    expect(bytesPerSecond).toBeCloseTo(1000, -1);
    expect(secondsLeft).toBeGreaterThan(3);
    expect(secondsLeft).toBeLessThan(7);
  });

  it('is none where an unread file is deleted and only held open', async () => {
    const log = await growing({ pins: false }, 55, 2);
    expect(log.log.segments.some(({ places, gone }) => places.plain === null && gone === null)).toBe(true);
    expect(log.log.pressure('one').secondsLeft).toBe(0);
  });

  it('is what pins may still hold where the writer has deleted it', async () => {
    const log = await growing({ retention: { maxBytes: 100_000, minFree: { bytes: 0 } } }, 55, 2);
    const retained = log.log.retention.retained(log.log.segments).bytes;
    expect(retained).toBeGreaterThan(10_000);
    const seconds = (100_000 - retained) / 1000;
    expect(log.log.deadlineSeconds('one')).toBeCloseTo(seconds, 0);
    expect(log.log.pressure('one').secondsLeft).toBeCloseTo(seconds, 0);
  });

  it('is shorter where the filesystem has less room than pins may take', async () => {
    const files: LogFiles = { ...LOG_FILES, space: () => Promise.resolve({ free: 105_000, total: 1_000_000 }) };
    const log = await growing({ files, retention: { maxBytes: 2 ** 31, minFree: { share: 0.1 } } }, 55, 2);
    expect(log.log.deadlineSeconds('one')).toBeCloseTo(5, 0);
  });

  it('in a spool is that until it is half full', async () => {
    const log = await growing({ spool: true, pins: false, spoolMaxBytes: 100_000 }, 35);
    const { secondsLeft } = log.log.pressure('one');
    expect(secondsLeft).toBeGreaterThan(13);
    expect(secondsLeft).toBeLessThan(17);
    const full = await growing({ spool: true, pins: false, spoolMaxBytes: 60_000 }, 35);
    expect(full.log.pressure('one').secondsLeft).toBe(0);
  });

  it('is unknown, and the rate falls, once nothing is written', async () => {
    const log = await growing({}, 25);
    log.now += 300_000;
    expect(log.log.pressure('one').bytesPerSecond).toBeLessThan(1);
    const idle = new FollowedLog();
    idle.write().write(line());
    await idle.start();
    expect(idle.log.pressure('one')).toEqual({ bytesPerSecond: 0, secondsLeft: null });
  });
});
