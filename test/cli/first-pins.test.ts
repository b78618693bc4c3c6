import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { firstPins as makeFirstPins } from '../../src/cli/first-pins.ts';
import { configSchema } from '../../src/config/schema.ts';
import { waitUntil } from '../../src/demo/wait.ts';
import { LOG_FILES } from '../../src/log/files.ts';
import { Pins } from '../../src/log/pins.ts';
import { shell } from '../log/support/shell.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** On a disk of which so much is free, in percent. */
function firstPins(args: readonly string[], environment: Readonly<Record<string, string>>, free = 50) {
  return makeFirstPins(args, environment, { ...LOG_FILES, space: async () => ({ free, total: 100 }) });
}

class Scene {
  readonly directory = temporaryDirectory();
  readonly path = join(this.directory, 'log/audit.log');
  readonly state = join(this.directory, 'state');
  readonly config = join(this.directory, 'auditail.yaml');
  readonly pins = new Pins({ files: LOG_FILES, path: this.path, stateDirectory: this.state, now: () => 0 });

  constructor() {
    mkdirSync(this.pins.directory, { recursive: true, mode: 0o700 });
    writeFileSync(this.path, 'a line\n');
    this.configure();
  }

  configure(more = ''): void {
    writeFileSync(
      this.config,
      `stateDirectory: ${this.state}\nsources: [ { name: k, type: file, path: ${this.path}${more} } ]\noutputs: []\n`,
    );
  }

  get count(): number {
    return readdirSync(this.pins.directory).length;
  }

  /** What the agent makes of it that starts later on. */
  loaded(path = this.path, stateDirectory = this.state) {
    const output = { name: 'out', type: 'stdout' };
    const source = { name: 'k', type: 'file', path };
    return configSchema.parse({ stateDirectory, sources: [source], outputs: [output] });
  }
}

describe('before run and ship are loaded', () => {
  it.each([
    ['run by default', (scene: Scene) => ['--config', scene.config]],
    ['run', (scene: Scene) => ['run', `--config=${scene.config}`]],
    ['ship', (scene: Scene) => ['ship', '-c', scene.config]],
    ['flags', (scene: Scene) => ['--audit-log-path', scene.path, '--state-dir', scene.state, '-c', '/missing']],
  ])('files are pinned (%s)', async (_, args) => {
    const scene = new Scene();
    await firstPins(args(scene), {});
    expect(scene.count).toBe(1);
  });

  it('files are pinned that variables name', async () => {
    const scene = new Scene();
    await firstPins([], { AUDITAIL_CONFIG: scene.config });
    expect(scene.count).toBe(1);
  });

  it('they are removed again unless an agent keeps them', async () => {
    const scene = new Scene();
    const kept = await firstPins(['-c', scene.config], {});
    await kept.keep(scene.loaded());
    await kept.end();
    expect(scene.count).toBe(1);
    rmSync(join(scene.pins.directory, readdirSync(scene.pins.directory)[0] ?? ''));
    const dropped = await firstPins(['-c', scene.config], {});
    expect(scene.count).toBe(1);
    await dropped.end();
    expect(scene.count).toBe(0);
  });

  it('files are pinned that come while the rest is loaded, and none once the agent pins by itself', async () => {
    const scene = new Scene();
    const pins = await firstPins(['-c', scene.config], {});
    renameSync(scene.path, join(scene.directory, 'log/audit-2026-01-01T00-00-00.000.log'));
    writeFileSync(scene.path, 'another\n');
    expect(await waitUntil(() => scene.count === 2, { progress: () => 0, standstillMs: 5000 })).toBe(true);
    rmSync(scene.path);
    writeFileSync(scene.path, 'a third\n');
    await pins.finish();
    expect(scene.count).toBe(3);
    rmSync(scene.path);
    writeFileSync(scene.path, 'a fourth\n');
    await pins.finish();
    await pins.keep(scene.loaded());
    expect(scene.count).toBe(3);
  });

  it.each([
    ['another file', (scene: Scene) => scene.loaded(join(scene.directory, 'other.log'))],
    ['another state', (scene: Scene) => scene.loaded(scene.path, join(scene.directory, 'other'))],
  ])('those of a log that the agent does not follow go again: nobody would release them (%s)', async (_, followed) => {
    const scene = new Scene();
    const pins = await firstPins(['-c', scene.config], {});
    expect(scene.count).toBe(1);
    await pins.keep(followed(scene));
    expect(scene.count).toBe(0);
  });

  it.each([
    ['', 14, 0],
    ['', 16, 1],
    [', retain: { minFree: 5% }', 14, 1],
    [', retain: { minFree: 5% }', 4, 0],
    [', retain: { minFree: 14 }', 14, 1],
    [', retain: { minFree: 1Ki }', 99, 0],
    [', retain: { minFree: [] }', 16, 1],
  ])('a disk that is too full is not filled by starts that fail (%s, %i free)', async (more, free, count) => {
    const scene = new Scene();
    scene.configure(more);
    await firstPins(['-c', scene.config], {}, free);
    expect(scene.count).toBe(count);
  });

  it('a variable that is empty is none', async () => {
    const scene = new Scene();
    await firstPins(['-c', scene.config], { AUDITAIL_STATE_DIR: '', AUDITAIL_AUDIT_LOG_PATH: '' });
    expect(scene.count).toBe(1);
  });

  it('nothing is pinned where pins are off, and for other commands', async () => {
    const scene = new Scene();
    await firstPins(['status', '-c', scene.config], {});
    scene.configure(', retain: { pins: off }');
    await firstPins(['run', '-c', scene.config], {});
    expect(scene.count).toBe(0);
  });

  it('a configuration that comes through a pipe is left for those who check it', async () => {
    const scene = new Scene();
    const pipe = join(scene.directory, 'pipe');
    shell('mkfifo "$1"', pipe);
    await firstPins(['-c', pipe], {});
    expect(scene.count).toBe(0);
  });

  it('a configuration that cannot be looked at is left for those who say so', async () => {
    const scene = new Scene();
    const loop = join(scene.directory, 'loop.yaml');
    symlinkSync(loop, loop);
    await expect(firstPins(['-c', loop], {})).resolves.toBeDefined();
  });

  it.each([
    'sources: 7',
    'sources: [ 7, { path: 7 }, null ]',
    ']',
    'stateDirectory: []\nsources: [ { path: [] } ]',
    '',
  ])('what is wrong with a configuration is said by others (%j)', async (text) => {
    const scene = new Scene();
    writeFileSync(scene.config, text);
    await expect(firstPins(['-c', scene.config], {})).resolves.toBeDefined();
  });
});
