import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CorruptGzip, GzipContent } from '../../src/log/content.ts';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TEXT = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');

async function open(bytes: Buffer, files: LogFiles = LOG_FILES): Promise<GzipContent> {
  const path = join(temporaryDirectory(), 'file.gz');
  writeFileSync(path, bytes);
  const fd = await LOG_FILES.open(path);
  const content = new GzipContent(files, fd);
  onTestFinished(async () => {
    await content.close();
    await LOG_FILES.close(fd);
  });
  return content;
}

async function readAll(content: GzipContent, offset: number, step = 64 * 1024): Promise<string> {
  const parts: string[] = [];
  const buffer = Buffer.alloc(step);
  for (let at = offset; ; ) {
    const count = await content.read(at, buffer, 0, step);
    if (count === 0) return parts.join('');
    parts.push(buffer.toString('latin1', 0, count));
    at += count;
  }
}

describe('the content of a gzip file', () => {
  it('is read from any offset, onward and back', async () => {
    const content = await open(gzipSync(TEXT));
    await fc.assert(
      fc.asyncProperty(fc.nat(TEXT.length), fc.integer({ min: 1, max: 5000 }), async (offset, length) => {
        const buffer = Buffer.alloc(length);
        const count = await content.read(offset, buffer, 0, length);
        expect(count > 0).toBe(offset < TEXT.length);
        expect(buffer.toString('latin1', 0, count)).toBe(TEXT.slice(offset, offset + count));
      }),
      { numRuns: 50 },
    );
  });

  it('goes on behind the end of one member into the next', async () => {
    const content = await open(Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]));
    expect(await readAll(content, 0)).toBe('one\ntwo\n');
  });

  it('that is cut off gives out what there is, and then says so, as often as it is asked', async () => {
    const whole = gzipSync(TEXT);
    const content = await open(whole.subarray(0, whole.length - 20));
    const buffer = Buffer.alloc(1000);
    expect(await content.read(0, buffer, 0, 1000)).toBe(1000);
    await expect(readAll(content, 1000)).rejects.toThrow(CorruptGzip);
    await expect(readAll(content, 1000)).rejects.toThrow(CorruptGzip);
    expect(await content.read(0, buffer, 0, 1000)).toBe(1000);
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['no gzip', Buffer.from('plain text')],
    ['damaged in the middle', damaged()],
  ])('that is %s is corrupt', async (_, bytes) => {
    await expect(readAll(await open(bytes), 0)).rejects.toThrow(CorruptGzip);
  });

  it('that cannot be read at the moment is not taken for a corrupt one, and is read on afterwards', async () => {
    let fails = true;
    const read: LogFiles['read'] = (...call) =>
      fails ? Promise.reject(Object.assign(new Error('no'), { code: 'EIO' })) : LOG_FILES.read(...call);
    const content = await open(gzipSync(TEXT), { ...LOG_FILES, read });
    await expect(readAll(content, 0)).rejects.toMatchObject({ code: 'EIO' });
    fails = false;
    expect(await readAll(content, 0)).toBe(TEXT);
  });

  it('that unpacks to a gigabyte is never more than a few steps of it in memory', async () => {
    // Members of 16 MiB of zeros each, 16 KB packed: they unpack one after the other as they are read.
    const bomb = Buffer.concat(Array.from({ length: 64 }, () => BOMB));
    const content = await open(bomb);
    const buffer = Buffer.alloc(1000);
    await content.read(0, buffer, 0, 1000);
    const before = process.memoryUsage().arrayBuffers;
    for (let offset = 1000; offset < 32 << 20; offset += 1000) await content.read(offset, buffer, 0, 1000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20);
  });

  it('may be closed in the middle, and twice', async () => {
    const content = await open(gzipSync(TEXT));
    await content.read(0, Buffer.alloc(10), 0, 10);
    await content.close();
    await content.close();
  });
});

const BOMB = gzipSync(Buffer.alloc(16 << 20));

function damaged(): Buffer {
  const bytes = gzipSync(TEXT);
  bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 50);
  return bytes;
}
