import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { firstRun } from '../../src/source/first-run.ts';
import { FollowedLog } from '../log/support/followed-log.ts';

/** Two backups, the older one compressed, and a live file with a line under way. */
async function scene(): Promise<FollowedLog> {
  const log = new FollowedLog();
  const writer = log.write({ compress: true });
  writer.write('{"one":1}\n');
  writer.rotate();
  await writer.mill();
  writer.write('{"two":2}\n');
  writer.rotate();
  writer.write('{"three":3}\n');
  appendFileSync(log.path, '{"under way');
  await log.start();
  return log;
}

async function beginnings(
  log: FollowedLog,
  startAt: 'oldest' | 'newest' | number,
  nowMs = 0,
): Promise<(readonly [string, number])[]> {
  const found = await firstRun(startAt, log.log.segments, nowMs);
  return found.map(({ segment, from }) => [segment.name.slice(-7), from] as const);
}

describe('a first run', () => {
  it('leaves nothing out where it starts at the oldest', async () => {
    expect(await beginnings(await scene(), 'oldest')).toEqual([]);
  });

  it('that starts at the newest begins behind the last line end of the live file: the line under way is taken', async () => {
    expect(await beginnings(await scene(), 'newest')).toEqual([
      ['.log.gz', Number.POSITIVE_INFINITY],
      [expect.stringMatching(/\.log$/), 10],
      ['dit.log', 12],
    ]);
  });

  it('that starts at the newest takes the whole of a line that has no end yet, however long', async () => {
    const log = new FollowedLog();
    log.write().write('{"a":1}\n');
    await log.start();
    log.writer.write(`{"long":"${'x'.repeat(200_000)}`);
    await log.look();
    expect(await beginnings(log, 'newest')).toEqual([['dit.log', 8]]);
  });

  it('that starts a while ago leaves out the files that were closed before', async () => {
    const log = await scene();
    const [first, second] = log.log.segments.map(({ instantMs }) => instantMs ?? 0);
    const left = await beginnings(log, 1000, (second ?? 0) + 1000);
    expect(left).toEqual([['.log.gz', Number.POSITIVE_INFINITY]]);
    expect(await beginnings(log, 1000, (first ?? 0) + 1000)).toEqual([]);
    expect((await beginnings(log, 0, Number.MAX_SAFE_INTEGER)).length).toBe(2);
  });
});
