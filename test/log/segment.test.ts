import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LOG_FILES } from '../../src/log/files.ts';
import { Segment, type Lease } from '../../src/log/segment.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { descriptorsBelow } from './support/followed-log.ts';

async function scene() {
  const directory = temporaryDirectory();
  const plain = join(directory, 'plain.log');
  writeFileSync(plain, 'the bytes\n');
  const segment = new Segment(LOG_FILES, 'id', 'plain.log', null);
  segment.places.plain = plain;
  segment.key = await LOG_FILES.factsOf(plain);
  segment.size = 10;
  return { directory, plain, segment };
}

async function text(lease: Lease): Promise<string> {
  const buffer = Buffer.alloc(100);
  return buffer.toString('utf8', 0, await lease.content.read(0, buffer, 0, 100));
}

describe('a segment', () => {
  it('is open once, however many have it on loan, and closed when the last has given it back', async () => {
    const { directory, segment } = await scene();
    const [one, two] = await Promise.all([segment.lease(), segment.lease()]);
    expect(descriptorsBelow(directory)).toBe(1);
    await one?.release();
    expect(await text(two as Lease)).toBe('the bytes\n');
    await two?.release();
    expect(descriptorsBelow(directory)).toBe(0);
  });

  it('that is held survives the deletion of its file, and counts as kept', async () => {
    const { directory, plain, segment } = await scene();
    await segment.hold();
    unlinkSync(plain);
    segment.places.plain = null;
    expect([segment.retained, segment.reachable, segment.keptBytes]).toEqual([true, true, 10]);
    const lease = await segment.lease();
    expect(await text(lease)).toBe('the bytes\n');
    await lease.release();
    await segment.letGo();
    expect([segment.retained, segment.reachable, segment.keptBytes]).toEqual([false, false, 0]);
    expect(descriptorsBelow(directory)).toBe(0);
  });

  it('is not opened under a name that has passed to another file', async () => {
    const { directory, plain, segment } = await scene();
    renameSync(plain, `${plain}.1`);
    writeFileSync(plain, 'another\n');
    await expect(segment.lease()).rejects.toMatchObject({ code: 'ENOENT' });
    segment.places.pin = `${plain}.1`;
    const lease = await segment.lease();
    expect(await text(lease)).toBe('the bytes\n');
    await lease.release();
    expect(descriptorsBelow(directory)).toBe(0);
  });

  it('is read from its compressed file until the plain one can be had, by those who come then', async () => {
    const { directory, plain, segment } = await scene();
    segment.places.plain = null;
    segment.places.gzip = join(directory, 'x.gz');
    writeFileSync(segment.places.gzip, gzipSync('the bytes\n'));
    const early = await segment.lease();
    expect(early.compressed).toBe(true);
    segment.places.plain = plain;
    const late = await segment.lease();
    expect(late.compressed).toBe(false);
    expect([await text(early), await text(late)]).toEqual(['the bytes\n', 'the bytes\n']);
    await early.release();
    await late.release();
    expect(descriptorsBelow(directory)).toBe(0);
  });

  it('that is revoked is closed at once, and reading it says that it is gone', async () => {
    const { directory, segment } = await scene();
    const lease = await segment.lease();
    await segment.revoke();
    expect(descriptorsBelow(directory)).toBe(0);
    await expect(text(lease)).rejects.toMatchObject({ code: 'ENOENT' });
    await lease.release();
    await lease.release();
  });

  it('is never closed under a read that is on its way', async () => {
    const { plain } = await scene();
    const finished = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const calls: string[] = [];
    const segment = new Segment(
      {
        ...LOG_FILES,
        read: async () => {
          started.resolve();
          await finished.promise;
          calls.push('read');
          return 0;
        },
        close: async (fd) => {
          calls.push('close');
          await LOG_FILES.close(fd);
        },
      },
      'id',
      'x',
      null,
    );
    segment.places.plain = plain;
    const lease = await segment.lease();
    const reading = lease.content.read(0, Buffer.alloc(1), 0, 1);
    await started.promise;
    const revoking = segment.revoke();
    finished.resolve();
    await Promise.all([reading, revoking]);
    expect(calls).toEqual(['read', 'close']);
  });

  it('says why it cannot be opened, rather than that another of its places is empty', async () => {
    const { directory, plain, segment } = await scene();
    const files = {
      ...LOG_FILES,
      open: () => Promise.reject(Object.assign(new Error('too many'), { code: 'EMFILE' })),
    };
    const other = new Segment(files, 'id', 'x', null);
    other.places.plain = plain;
    other.places.gzip = join(directory, 'nothing.gz');
    await expect(other.lease()).rejects.toMatchObject({ code: 'EMFILE' });
    expect(segment.reachable).toBe(true);
  });
});
