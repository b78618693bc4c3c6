import { renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogNames } from '../../src/log/file-name.ts';
import { FollowedLog } from './support/followed-log.ts';

const T = Date.UTC(2026, 10, 23, 17, 5, 21, 565);

function event(timeMs: number): string {
  return `${JSON.stringify({ stageTimestamp: new Date(timeMs).toISOString() })}\n`;
}

/**
 * A file that was rotated while the agent looked, and one of two large events behind it: two rotations within one tick of
 * the file system's clock. The agent has the first name, the directory seems not to have changed since, and the second
 * file is as good as never seen.
 */
async function twoRotationsInOneTick({ deleted }: { readonly deleted: boolean }) {
  const log = new FollowedLog({ judged: true });
  const names = new LogNames(log.path);
  const rotate = (atMs: number) => renameSync(log.path, join(log.directory, names.backup(atMs)));
  const [first, second, third] = [event(T - 500), event(T), event(T + 2)];
  writeFileSync(log.path, first);
  await log.start();
  await log.catchUp();
  rotate(T);
  await log.look();
  const { atime, mtime } = statSync(log.directory);
  utimesSync(log.directory, atime, mtime);
  log.now += 5;
  await log.log.refresh();
  writeFileSync(log.path, second);
  rotate(T + 2);
  // The oldest goes first; a pin keeps it.
  if (deleted) for (const atMs of [T, T + 2]) unlinkSync(join(log.directory, names.backup(atMs)));
  writeFileSync(log.path, third);
  utimesSync(log.directory, atime, mtime);
  // Files are not deleted as quickly as that: an agent that looked so often has proof that none was.
  log.now += deleted ? 1000 : 5;
  await log.log.refresh();
  await log.reader.read();
  return { log, first, second, third };
}

describe('a file between two that are known', () => {
  it('is looked for before it is called lost', async () => {
    const { log, first, second, third } = await twoRotationsInOneTick({ deleted: false });
    expect(log.reader.losses).toEqual([]);
    expect(log.reader.text).toBe(first + second + third);
  });

  it('is lost where it is not there, and told of once', async () => {
    const { log, first, third } = await twoRotationsInOneTick({ deleted: true });
    await log.catchUp();
    expect(log.reader.losses).toMatchObject([{ reason: 'gap' }]);
    expect(log.reader.text).toBe(first + third);
  });
});
