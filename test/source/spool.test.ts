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
function failingFiles(failAt: number): {
  readonly files: SpoolFiles;
  readonly calls: () => number;
  readonly leftOpen: () => number;
} {
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
  const opened: fs.FileHandle[] = [];
  const open = async (path: string, flags: string, mode?: number) => {
    const file = await fs.open(path, flags, mode);
    opened.push(file);
    return handle(file);
  };
  const files = {
    mkdir: wrap(fs.mkdir as (...args: unknown[]) => Promise<unknown>),
    readdir: wrap(fs.readdir as (...args: unknown[]) => Promise<unknown>),
    rename: wrap(fs.rename),
    rm: wrap(fs.rm),
    open: wrap(open),
  };
  return {
    files: files as unknown as SpoolFiles,
    calls: () => calls,
    leftOpen: () => opened.filter(({ fd }) => fd !== -1).length,
  };
}

/** A spool over a live file that an earlier run left. */
async function leftBehind(left: string, tornLine: 'keep' | 'cut') {
  const path = join(temporaryDirectory(), 'spool/audit.log');
  mkdirSync(dirname(path));
  writeFileSync(path, left);
  const spool = new Spool({ path, segmentBytes: 100 });
  return { path, spool, found: await spool.open(tornLine) };
}

describe('a spool', () => {
  it('holds what was appended, and rotates at line ends', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    const spool = new Spool({ path, segmentBytes: 10 });
    await spool.open('keep');
    for (const chunk of ['one\ntwo\n', 'three\nfo', 'ur\n', 'five\n']) await appendAll(spool, Buffer.from(chunk));
    expect(contents(path)).toEqual(['one\ntwo\nthree\n', 'four\nfive\n']);
    await spool.close();
    expect(contents(path)).toEqual(['one\ntwo\nthree\n', 'four\nfive\n']);
  });

  it('makes a file of its own of what an earlier run left whole', async () => {
    const { spool, path, found } = await leftBehind('whole\n', 'keep');
    expect(found).toEqual({ unclean: true, tornBytes: 0 });
    await appendAll(spool, Buffer.from('new\n'));
    expect(contents(path)).toEqual(['whole\n', 'new\n']);
    await spool.close();
  });

  it('keeps a torn line where its rest may still come, and counts it', async () => {
    const { spool, path, found } = await leftBehind('whole\nto', 'keep');
    expect(found).toEqual({ unclean: true, tornBytes: 2 });
    await appendAll(spool, Buffer.from('rn\nnew\n'));
    expect(contents(path)).toEqual(['whole\ntorn\nnew\n']);
    await spool.close();
  });

  it.each(['whole\nto', 'to', `${'x'.repeat(200_000)}\n${'y'.repeat(150_000)}`])(
    'cuts a torn line off where whoever sent it will send it again: case %#',
    async (left) => {
      const { spool, path, found } = await leftBehind(left, 'cut');
      const whole = left.slice(0, left.lastIndexOf('\n') + 1);
      expect(found).toEqual({ unclean: true, tornBytes: left.length - whole.length });
      await appendAll(spool, Buffer.from('new\n'));
      expect(contents(path)).toEqual(whole === '' ? ['new\n'] : [whole, 'new\n']);
      await spool.close();
    },
  );

  it('knows a clean end from a kill', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    for (let run = 0; run < 2; run += 1) {
      const spool = new Spool({ path, segmentBytes: 100 });
      expect(await spool.open('keep')).toEqual({ unclean: false, tornBytes: 0 });
      await appendAll(spool, Buffer.from('no end'));
      await spool.close();
    }
  });

  it('takes whole lines or none, and takes back what was not acknowledged', async () => {
    for (let failAt = 1; ; failAt += 1) {
      const path = join(temporaryDirectory(), 'spool/audit.log');
      const { files, calls } = failingFiles(failAt);
      const spool = new Spool({ path, segmentBytes: 100, files });
      await spool.open('cut').catch(() => spool.open('cut'));
      const before = calls();
      let failed = false;
      for (const lines of ['one\ntwo\n', 'three\nfour\n', 'five\nsix\n']) {
        const { size } = spool;
        try {
          await spool.appendWhole(Buffer.from(lines));
          await spool.sync();
        } catch {
          failed = true;
          await spool.takeBack(size);
          await spool.appendWhole(Buffer.from(lines));
        }
      }
      expect(contents(path).join('')).toBe('one\ntwo\nthree\nfour\nfive\nsix\n');
      await spool.close().catch(() => spool.close());
      if (!failed && failAt > before) break;
    }
  });

  it('goes on where it was when a full disk has room again', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    let room = 7;
    const handle = (file: fs.FileHandle): fs.FileHandle =>
      new Proxy(file, {
        get(target, key) {
          if (key === 'truncate') return async (size: number) => expect((await target.stat()).size).toBe(size);
          const value = Reflect.get(target, key) as unknown;
          if (key !== 'write') return typeof value === 'function' ? value.bind(target) : value;
          return async (bytes: Buffer, at: number) => {
            if (room === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
            const written = await target.write(bytes, at, Math.min(room, bytes.length - at));
            room -= written.bytesWritten;
            return written;
          };
        },
      });
    const open = async (name: string, flags: string, mode?: number) => handle(await fs.open(name, flags, mode));
    const spool = new Spool({ path, segmentBytes: 100, files: { ...fs, open } as unknown as SpoolFiles });
    await spool.open('keep');
    expect(await spool.append(Buffer.from('one\ntwo\n'))).toBe(7);
    await expect(spool.append(Buffer.from('\n'))).rejects.toThrow('no space');
    room = 100;
    await appendAll(spool, Buffer.from('\nthree\n'));
    expect(contents(path)).toEqual(['one\ntwo\nthree\n']);
    await spool.close();
  });

  it('leaves no empty files behind', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    for (let run = 0; run < 3; run += 1) {
      const spool = new Spool({ path, segmentBytes: 10 });
      await spool.open('keep');
      await spool.rotate();
      await spool.close();
    }
    expect(contents(path)).toEqual([]);
  });

  it('keeps the names in order where the clock goes back', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    mkdirSync(dirname(path));
    writeFileSync(join(dirname(path), 'audit-2199-01-01T00-00-00.000.log'), 'old\n');
    const spool = new Spool({ path, segmentBytes: 2 });
    await spool.open('keep');
    for (const line of ['a\n', 'b\n', 'c\n']) await appendAll(spool, Buffer.from(line));
    await spool.close();
    expect(contents(path).join('')).toBe('old\na\nb\nc\n');
  });

  it('forces to disk what is new, and has nothing to do where nothing is', async () => {
    const path = join(temporaryDirectory(), 'spool/audit.log');
    const { files, calls } = failingFiles(0);
    const spool = new Spool({ path, segmentBytes: 100, files });
    await spool.open('keep');
    await appendAll(spool, Buffer.from('a\n'));
    await spool.sync();
    const before = calls();
    await spool.sync();
    expect(calls()).toBe(before);
    await spool.close();
  });

  it.each(['close', 'leave'] as const)(
    'holds no file open after a failure to open or to %s, for its owner may not call again; what it had is there for the next',
    async (end) => {
      for (let failAt = 1; ; failAt += 1) {
        const path = join(temporaryDirectory(), 'spool/audit.log');
        const { files, calls, leftOpen } = failingFiles(failAt);
        const spool = new Spool({ path, segmentBytes: 100, files });
        const opened = await spool.open('keep').then(
          () => true,
          () => false,
        );
        const appended = opened && (await spool.append(Buffer.from('a line\n')).catch(() => 0)) === 7;
        if (opened) await spool[end]().catch(() => undefined);
        expect(leftOpen()).toBe(0);
        const next = new Spool({ path, segmentBytes: 100 });
        await next.open('keep');
        await next.close();
        if (appended) expect(contents(path).join('')).toBe('a line\n');
        if (calls() < failAt) break;
      }
    },
  );

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
          const spool = new Spool({ path, segmentBytes });
          await spool.open('keep');
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
      const spool = new Spool({ path, segmentBytes: 30, files });
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
      await insist(() => spool.open('keep'));
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
