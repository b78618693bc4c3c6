import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REAL_FILES } from '../../src/state/files.ts';
import {
  checkpointDirectory,
  listOutputs,
  listSources,
  openStateDirectory,
  outputDirectory,
} from '../../src/state/state-directory.ts';
import { faultyFiles, systemError } from './faulty-files.ts';
import { scratchDirectory } from './scratch.ts';

let parent: string;
let root: string;

beforeEach(() => {
  parent = scratchDirectory();
  root = path.join(parent, 'state');
});

afterEach(() => {
  fs.rmSync(parent, { recursive: true, force: true });
});

function modeOf(file: string): number {
  return fs.statSync(file).mode & 0o777;
}

describe('opening', () => {
  test('creates the directory for its owner only, and leaves nothing of the write it tried', async () => {
    const state = await openStateDirectory(root);
    expect(state.path).toBe(root);
    expect(modeOf(root)).toBe(0o700);
    expect(fs.readdirSync(root)).toEqual([]);
  });

  test('closes an empty directory that a kubelet has made', async () => {
    fs.mkdirSync(root, { mode: 0o755 });
    await openStateDirectory(root);
    expect(modeOf(root)).toBe(0o700);
  });

  test("leaves the mode of a directory alone that holds somebody's files", async () => {
    fs.mkdirSync(root, { mode: 0o755 });
    fs.writeFileSync(path.join(root, 'theirs'), '');
    await openStateDirectory(root);
    expect(modeOf(root)).toBe(0o755);
  });

  test('refuses what cannot be written, and says who owns it and who asks', async () => {
    const files = faultyFiles(
      REAL_FILES,
      (name) => (name === 'open' ? 'fail' : 'pass'),
      () => Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }),
    );
    await expect(openStateDirectory(root, files)).rejects.toMatchObject({
      code: 'AUD_STATE_UNWRITABLE',
      message: expect.stringContaining(root) as string,
      hint: expect.stringMatching(/mode 0700 and belongs to uid \d+ gid \d+; this process runs as uid \d+/) as string,
    });
  });

  test('refuses a file in its place', async () => {
    fs.writeFileSync(root, '');
    await expect(openStateDirectory(root)).rejects.toMatchObject({ code: 'AUD_STATE_UNWRITABLE' });
  });

  test('refuses a read-only filesystem', async (context) => {
    fs.mkdirSync(root);
    const script = `mount -t tmpfs -o ro none '${root}' && '${process.execPath}' -e "import('${path.join(import.meta.dirname, '../../src/state/state-directory.ts')}').then((m) => m.openStateDirectory('${root}')).then(() => console.log('opened'), (error) => console.log(error.code, error.hint))"`;
    if (spawnSync('unshare', ['-m', 'true']).status !== 0) context.skip('unshare -m is not permitted here');
    const { stdout } = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' });
    expect(stdout).toMatch(/^AUD_STATE_UNWRITABLE Mount a writable volume/);
  });

  test('says that a full disk is full', async () => {
    const files = faultyFiles(
      REAL_FILES,
      (name) => (name === 'write' ? 'half' : 'pass'),
      () => systemError('ENOSPC'),
    );
    await expect(openStateDirectory(root, files)).rejects.toMatchObject({
      hint: expect.stringContaining('Free space') as string,
    });
    expect(fs.readdirSync(root)).toEqual([]);
  });
});

describe('the places in it', () => {
  test('are made for each output and source, for their owner only', async () => {
    const state = await openStateDirectory(root);
    const checkpoint = await state.makeCheckpoint('store', 'audit');
    expect(checkpoint).toBe(checkpointDirectory(root, 'store', 'audit'));
    expect(await state.makeOutput('loki')).toBe(outputDirectory(root, 'loki'));
    for (let at = checkpoint; at !== parent; at = path.dirname(at)) expect(modeOf(at)).toBe(0o700);
    expect(await listOutputs(root)).toEqual(['loki', 'store']);
    expect(await listSources(root, 'store')).toEqual(['audit']);
    expect(await listSources(root, 'loki')).toEqual([]);
  });

  test.for(['..', '.', '', 'a/b', '../../etc', 'a\0b', 'a\nb', 'ä'])(
    'never lie outside, not under the name %j',
    (name) => {
      expect(() => outputDirectory(root, name)).toThrow(expect.objectContaining({ code: 'AUD_INTERNAL' }));
      expect(() => checkpointDirectory(root, 'store', name)).toThrow(expect.objectContaining({ code: 'AUD_INTERNAL' }));
    },
  );
});
