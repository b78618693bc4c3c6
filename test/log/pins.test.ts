import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { Pins } from '../../src/log/pins.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { FollowedLog } from './support/followed-log.ts';
import { shell } from './support/shell.ts';

class Scene {
  readonly directory = temporaryDirectory();
  readonly path = join(this.directory, 'audit.log');
  now = 0;
  readonly pins: Pins;

  constructor(files: LogFiles = LOG_FILES) {
    writeFileSync(this.path, 'a line\n');
    this.pins = this.pinsOf('/state', files);
  }

  pinsOf(stateDirectory: string, files: LogFiles = LOG_FILES, path = this.path): Pins {
    return new Pins({ files, path, stateDirectory, now: () => this.now });
  }

  async add(pins = this.pins): Promise<string | null> {
    return pins.add(this.path, statSync(this.path, { bigint: true }), false);
  }
}

function failing(code: string): LogFiles {
  const link = () => Promise.reject(Object.assign(new Error(`${code} told`), { code }));
  return { ...LOG_FILES, link };
}

describe('a pin', () => {
  it('keeps the bytes when the file is deleted, in a directory that only the agent may enter', async () => {
    const scene = new Scene();
    const pin = (await scene.add()) ?? '';
    unlinkSync(scene.path);
    expect(readFileSync(pin, 'utf8')).toBe('a line\n');
    expect(statSync(dirname(pin)).mode & 0o777).toBe(0o700);
    await scene.pins.remove(pin);
    expect(readdirSync(scene.pins.directory)).toEqual([]);
  });

  it('is found again by the same agent, in the order of making, and numbers go on from there', async () => {
    const scene = new Scene();
    const made = [await scene.add(), await scene.add()];
    const again = scene.pinsOf('/state');
    expect(await again.found()).toEqual(made);
    expect(made).not.toContain(await scene.add(again));
  });

  it('of another agent, or of another log of the same agent, is neither found nor touched', async () => {
    const scene = new Scene();
    await scene.add();
    const others = [scene.pinsOf('/other'), scene.pinsOf('/state', LOG_FILES, join(scene.directory, 'other.log'))];
    for (const other of others) {
      expect(other.directory).not.toBe(scene.pins.directory);
      expect(await other.found()).toEqual([]);
    }
  });

  it('is not made of a file that has taken over the name meanwhile', async () => {
    const scene = new Scene();
    const key = statSync(scene.path, { bigint: true });
    renameSync(scene.path, `${scene.path}.1`);
    writeFileSync(scene.path, 'another\n');
    expect(await scene.pins.add(scene.path, key, false)).toBeNull();
    expect(scene.pins.trouble).toBeNull();
    expect(readdirSync(scene.pins.directory)).toEqual([]);
  });

  it('of a symbolic link is one of the file that it leads to', async () => {
    const scene = new Scene();
    const real = join(scene.directory, 'real.log');
    renameSync(scene.path, real);
    symlinkSync('real.log', scene.path);
    const pin = (await scene.add()) ?? '';
    expect(lstatSync(pin).isFile()).toBe(true);
    unlinkSync(real);
    expect(readFileSync(pin, 'utf8')).toBe('a line\n');
  });

  it('goes past names that a run left whose pins could not be listed', async () => {
    const scene = new Scene();
    const first = await scene.add();
    expect(await scene.add(scene.pinsOf('/state'))).not.toBe(first);
  });

  it('that is gone already can be removed', async () => {
    const scene = new Scene();
    const pin = (await scene.add()) ?? '';
    unlinkSync(pin);
    await scene.pins.remove(pin);
    expect(scene.pins.untidy).toBe(false);
  });
});

describe('where pins cannot be had', () => {
  it.each(['EXDEV', 'EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EMLINK'])(
    '(%s) that is not tried at every look, but again after a minute',
    async (code) => {
      let mended = false;
      let tries = 0;
      const files: LogFiles = {
        ...LOG_FILES,
        link: (from, to) => {
          tries += 1;
          return mended ? LOG_FILES.link(from, to) : failing(code).link(from, to);
        },
      };
      const scene = new Scene(files);
      for (let look = 0; look < 5; look += 1) expect(await scene.add()).toBeNull();
      expect(tries).toBe(1);
      expect(scene.pins.trouble).toEqual({ code, words: `${code} told` });
      mended = true;
      scene.now += 60_000;
      expect(await scene.add()).not.toBeNull();
      expect(scene.pins.trouble).toBeNull();
    },
  );

  it('the log says it once, and goes on with open descriptors', async () => {
    const log = new FollowedLog({ files: failing('EXDEV') });
    log.write().write('{"a":1}\n');
    await log.start();
    const backup = log.writer.rotate();
    log.writer.write('{"b":2}\n');
    await log.look(5);
    unlinkSync(backup);
    await log.look(700);
    await log.catchUp();
    expect(log.kinds().filter((kind) => kind === 'no-pins')).toEqual(['no-pins']);
    expect(log.reader.text).toBe('{"a":1}\n{"b":2}\n');
  });

  it('one that cannot be removed is removed later', async () => {
    let fails = true;
    const unlink = (path: string) => (fails ? Promise.reject(new Error('not now')) : LOG_FILES.unlink(path));
    const scene = new Scene({ ...LOG_FILES, unlink });
    await scene.pins.remove((await scene.add()) ?? '');
    expect(scene.pins.untidy).toBe(true);
    fails = false;
    await scene.pins.tidy();
    expect(scene.pins.untidy).toBe(false);
    expect(readdirSync(scene.pins.directory)).toEqual([]);
  });
});

describe('pins of an earlier run', () => {
  it('that everybody has settled are collected, and so are empty ones', async () => {
    const log = new FollowedLog();
    log.write().write('{"a":1}\n');
    await log.start();
    await log.catchUp();
    log.writer.rotate();
    await log.catchUp();
    await log.stop();
    const directory = join(log.directory, '.auditail');
    const agent = join(directory, readdirSync(directory)[0] ?? '');
    linkSync(join(log.directory, log.writer.backups()[0] ?? ''), join(agent, '000000000900.log'));
    writeFileSync(join(agent, '000000000901.log'), '');
    await log.start();
    await log.look();
    // The one left is that of the new live file.
    expect(log.pins().map((pin) => basename(pin))).toEqual(['000000000902.log']);
    await log.catchUp();
    expect(log.reader.text).toBe('{"a":1}\n');
  });

  it('that are no regular files are left alone', async () => {
    const scene = new Scene();
    await scene.add();
    mkdirSync(join(scene.pins.directory, '000000000009.log'));
    symlinkSync('/etc/passwd', join(scene.pins.directory, '000000000010.log'));
    shell('mkfifo "$1"', join(scene.pins.directory, '000000000011.gz'));
    writeFileSync(join(scene.pins.directory, 'notes.txt'), '');
    expect((await scene.pinsOf('/state').found()).length).toBe(1);
  });
});

/** Whoever may write to the log's directory, the API server's user, say, can put anything in the place of `.auditail`. */
describe('in a log directory that a hostile user may write to', () => {
  it('a symbolic link in the place of .auditail is not followed: nothing is listed, linked or removed there', async () => {
    const scene = new Scene();
    const pin = (await scene.add()) ?? '';
    const elsewhere = temporaryDirectory();
    const agent = join(elsewhere, scene.pins.directory.slice(-12));
    mkdirSync(agent);
    writeFileSync(join(agent, '000000000000.log'), 'precious\n');
    renameSync(join(scene.directory, '.auditail'), join(scene.directory, 'moved'));
    symlinkSync(elsewhere, join(scene.directory, '.auditail'));

    await scene.pins.remove(pin);
    expect(readFileSync(join(agent, '000000000000.log'), 'utf8')).toBe('precious\n');
    const pins = scene.pinsOf('/state');
    expect(await pins.found()).toEqual([]);
    expect(pins.trouble?.words).toContain('no directory');
    scene.now += 60_000;
    expect(await scene.add(pins)).toBeNull();
    expect(readdirSync(agent)).toEqual(['000000000000.log']);
  });

  it("a symbolic link in the place of the agent's own directory is not followed either", async () => {
    const scene = new Scene();
    const elsewhere = temporaryDirectory();
    mkdirSync(join(scene.directory, '.auditail'), { mode: 0o700 });
    symlinkSync(elsewhere, scene.pins.directory);
    expect(await scene.add()).toBeNull();
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('a directory that others may write to is refused', async () => {
    const scene = new Scene();
    mkdirSync(join(scene.directory, '.auditail'));
    chmodSync(join(scene.directory, '.auditail'), 0o777);
    expect(await scene.add()).toBeNull();
    expect(scene.pins.trouble?.words).toContain('mode 0777');
  });

  it('a directory that belongs to somebody else is refused', async (test) => {
    if (process.geteuid?.() !== 0) return test.skip('giving a directory away takes root: not tried');
    const scene = new Scene();
    mkdirSync(join(scene.directory, '.auditail'), { mode: 0o700 });
    chownSync(join(scene.directory, '.auditail'), 65534, 65534);
    expect(await scene.add()).toBeNull();
    expect(scene.pins.trouble?.words).toContain('uid 65534');
  });

  it('a file in its place keeps pins away and nothing else', async () => {
    const log = new FollowedLog();
    writeFileSync(join(log.directory, '.auditail'), '');
    log.write().write('{"a":1}\n');
    await log.start();
    await log.catchUp();
    expect(log.reader.text).toBe('{"a":1}\n');
    expect(log.kinds()).toEqual(['no-pins', 'readable']);
    rmSync(join(log.directory, '.auditail'));
  });
});
