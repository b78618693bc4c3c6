import { describe, expect, it } from 'vitest';
import { secondsLeft, WriteRate, type DeadlineFacts } from '../../src/log/deadline.ts';

const FACTS: DeadlineFacts = {
  bytesPerSecond: 1000,
  segmentBytes: 100_000,
  liveBytes: 40_000,
  backups: 5,
  backupLimit: 5,
  olderBackups: 2,
  retainBytes: 0,
  retainedBytes: 0,
};

describe('the seconds until unread bytes are deleted', () => {
  it('count the rotations that the older backups still take, and what the live file has room for', () => {
    expect(secondsLeft(FACTS)).toBe((3 * 100_000 - 40_000) / 1000);
  });

  it('count the backups that the writer has not made yet', () => {
    expect(secondsLeft({ ...FACTS, backups: 3 })).toBe((5 * 100_000 - 40_000) / 1000);
  });

  it('are more where the agent itself keeps files', () => {
    expect(secondsLeft({ ...FACTS, retainBytes: 500_000, retainedBytes: 100_000 })).toBe((260_000 + 400_000) / 1000);
  });

  it('are those of the agent alone where the writer has deleted it already', () => {
    const deleted = { ...FACTS, backups: 3, olderBackups: null, retainBytes: 500_000, retainedBytes: 100_000 };
    expect(secondsLeft(deleted)).toBe(400_000 / 1000);
  });

  it('are none where it is too late already', () => {
    expect(secondsLeft({ ...FACTS, olderBackups: 0, liveBytes: 200_000 })).toBe(0);
  });

  it('are unknown until the writer has been seen to delete, and while nothing is written', () => {
    expect(secondsLeft({ ...FACTS, backupLimit: null })).toBeNull();
    expect(secondsLeft({ ...FACTS, bytesPerSecond: 0 })).toBeNull();
  });
});

describe('the write rate', () => {
  it('is that of the first second at once, and follows a change within about half a minute', () => {
    const rate = new WriteRate();
    rate.wrote(0, 1000);
    rate.wrote(500, 2000);
    expect(rate.bytesPerSecond).toBe(500);
    for (let second = 3; second <= 32; second += 1) rate.wrote(1000, second * 1000);
    expect(rate.bytesPerSecond).toBeGreaterThan(800);
    expect(rate.bytesPerSecond).toBeLessThan(1000);
  });

  it('falls while nothing is written', () => {
    const rate = new WriteRate();
    expect(rate.at(1000)).toBe(0);
    rate.wrote(0, 1000);
    rate.wrote(500, 2000);
    expect(rate.at(2500)).toBe(500);
    expect(rate.at(32_000)).toBeCloseTo(500 / Math.E, 5);
    expect(rate.bytesPerSecond).toBe(500);
  });

  it('adds up writes of less than a second, and takes a clock that steps back', () => {
    const rate = new WriteRate();
    for (let ms = 1000; ms <= 2000; ms += 100) rate.wrote(10, ms);
    expect(rate.bytesPerSecond).toBe(100);
    rate.wrote(10, 500);
    rate.wrote(90, 1500);
    expect(rate.bytesPerSecond).toBeCloseTo(100, -1);
  });
});
