import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Spool, type SpoolFiles } from '../../src/source/spool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The files of a spool in the order of the log, the live one last. */
function contents(path: string): string[] {
  const names = readdirSync(dirname(path)).sort();
  const live = names.filter((name) => name === 'audit.log');
  return [...names.filter((name) => name !== 'audit.log'), ...live].map((name) =>
    readFileSync(join(dirname(path), name), 'latin1'),
  );
}

async function appendAll(spool: Spool, chunk: Buffer): Promise<void> {
  for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(await spool.append(rest));
}

/** Files of which the Nth call of all, handles included, fails as on a full disk; half of a write may get through. */
function failingFiles(failAt: number): { files: SpoolFiles; calls: () => number } {
  let calls = 0;
  const fail = (): void => {
    calls += 1;
    if (calls === failAt) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  const handle = (file: fs.FileHandle): fs.FileHandle =>
    new Proxy(file, {
      get(target, key) {
        const value = Reflect.get(target, key) as unknown;
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (key === 'write' && calls + 1 === failAt) {
            const [bytes, at] = args as [Buffer, number];
            await target.write(bytes, at, Math.floor((bytes.length - at) / 2));
          }
          if (key !== 'close') fail();
          return (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        };
      },
    });
  const wrap =
    <Args extends unknown[], Result>(act: (...args: Args) => Promise<Result>) =>
    async (...args: Args) => {
      fail();
      return act(...args);
    };
  const files = {
    mkdir: wrap(fs.mkdir as (...args: unknown[]) => Promise<unknown>),
    readdir: wrap(fs.readdir as (...args: unknown[]) => Promise<unknown>),
    rename: wrap(fs.rename),
    rm: wrap(fs.rm),
    open: wrap(async (path: string, flags: string, mode?: number) => handle(await fs.open(path, flags, mode))),
  };
  return { files: files as unknown as SpoolFiles, calls: () => calls };
}

describe('a spool', () => {
  it('holds what was appended, and rotates at line ends', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    const spool = new Spool(path, 10);
    await spool.open();
    for (const chunk of ['one\ntwo\n', 'three\nfo', 'ur\n', 'five\n']) await appendAll(spool, Buffer.from(chunk));
    expect(contents(path)).toEqual(['one\ntwo\nthree\n', 'four\nfive\n']);
    await spool.close();
    expect(contents(path)).toEqual(['one\ntwo\nthree\n', 'four\nfive\n']);
  });

  it('makes a file of its own of what an earlier run left, torn as it is', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    mkdirSync(dirname(path));
    writeFileSync(path, 'whole\nto');
    const spool = new Spool(path, 100);
    await spool.open();
    await appendAll(spool, Buffer.from('new\n'));
    expect(contents(path)).toEqual(['whole\nto', 'new\n']);
    await spool.close();
  });

  it('leaves no empty files behind', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    for (let run = 0; run < 3; run += 1) {
      const spool = new Spool(path, 10);
      await spool.open();
      await spool.rotate();
      await spool.close();
    }
    expect(contents(path)).toEqual([]);
  });

  it('keeps the names in order where the clock goes back', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    mkdirSync(dirname(path));
    writeFileSync(join(dirname(path), 'audit-2199-01-01T00-00-00.000.log'), 'old\n');
    const spool = new Spool(path, 2);
    await spool.open();
    for (const line of ['a\n', 'b\n', 'c\n']) await appendAll(spool, Buffer.from(line));
    await spool.close();
    expect(contents(path).join('')).toBe('old\na\nb\nc\n');
  });

  it('forces to disk what is new, and has nothing to do where nothing is', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    const { files, calls } = failingFiles(0);
    const spool = new Spool(path, 100, files);
    await spool.open();
    await appendAll(spool, Buffer.from('a\n'));
    await spool.sync();
    const before = calls();
    await spool.sync();
    expect(calls()).toBe(before);
    await spool.close();
  });

  it('holds any chunks byte by byte, and never tears a line across files', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc
            .uint8Array({ maxLength: 12 })
            .map((bytes) => Buffer.from(bytes.map((byte) => (byte % 4 === 0 ? 10 : byte)))),
          { maxLength: 12 },
        ),
        fc.integer({ min: 1, max: 20 }),
        async (chunks, segmentBytes) => {
          const path = join(temporaryDirectory(), 'spool/audit.log');
          const spool = new Spool(path, segmentBytes);
          await spool.open();
          for (const chunk of chunks) await appendAll(spool, chunk);
          await spool.close();
          const files = contents(path);
          expect(files.join('')).toBe(Buffer.concat(chunks).toString('latin1'));
          for (const file of files.slice(0, -1)) expect(file.endsWith('\n')).toBe(true);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('writes nothing twice and leaves nothing out, whichever call fails', async () => {
    const lines = Array.from({ length: 12 }, (_, line) => `line ${line}\n`);
    for (let failAt = 1; ; failAt += 1) {
      const path = join(temporaryDirectory(), 'spool/audit.log');
      const { files, calls } = failingFiles(failAt);
      const spool = new Spool(path, 30, files);
      let failures = 0;
      const insist = async <Result>(act: () => Promise<Result>): Promise<Result> => {
        while (true) {
          try {
            return await act();
          } catch {
            failures += 1;
            expect(failures).toBe(1);
          }
        }
      };
      await insist(() => spool.open());
      for (const line of lines) {
        for (let rest = Buffer.from(line); rest.length > 0; ) {
          const chunk = rest;
          rest = chunk.subarray(await insist(() => spool.append(chunk)));
        }
        await insist(() => spool.sync());
      }
      await insist(() => spool.close());
      expect(contents(path).join('')).toBe(lines.join(''));
      if (failures === 0) {
        expect(calls()).toBeLessThan(failAt);
        break;
      }
    }
  });
});
