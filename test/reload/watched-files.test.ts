import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WatchedFiles } from '../../src/reload/watched-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A volume as the kubelet makes it of a ConfigMap: the names lead through `..data` to a folder of its own. */
function configMap() {
  const volume = temporaryDirectory();
  let generation = 0;
  const publish = (text: string) => {
    const folder = `..${generation++}`;
    mkdirSync(join(volume, folder));
    writeFileSync(join(volume, folder, 'auditail.yaml'), text);
    symlinkSync(folder, join(volume, '..data_tmp'));
    renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
  };
  publish('one');
  symlinkSync('..data/auditail.yaml', join(volume, 'auditail.yaml'));
  return { file: join(volume, 'auditail.yaml'), publish };
}

it('sees a ConfigMap that changes by a symbolic link, once, at the second look', async () => {
  const { file, publish } = configMap();
  const watched = await WatchedFiles.of([file]);
  expect(await watched.haveChanged()).toBe(false);
  publish('two');
  expect(await watched.haveChanged()).toBe(false);
  expect(await watched.haveChanged()).toBe(true);
  await watched.take();
  expect(readFileSync(file, 'utf8')).toBe('two');
  expect(await watched.haveChanged()).toBe(false);
});

it('waits while a file goes on changing', async () => {
  const file = join(temporaryDirectory(), 'policy.yaml');
  writeFileSync(file, 'a');
  const watched = await WatchedFiles.of([file]);
  for (let size = 2; size < 6; size += 1) {
    writeFileSync(file, 'a'.repeat(size));
    expect(await watched.haveChanged()).toBe(false);
  }
  expect(await watched.haveChanged()).toBe(true);
});

it('sees a file of the same size and time that took the place of another', async () => {
  const file = join(temporaryDirectory(), 'policy.yaml');
  writeFileSync(file, 'level: None');
  const { atime, mtime } = statSync(file);
  const watched = await WatchedFiles.of([file]);
  writeFileSync(`${file}.new`, 'level: Meta');
  utimesSync(`${file}.new`, atime, mtime);
  renameSync(`${file}.new`, file);
  await watched.haveChanged();
  expect(await watched.haveChanged()).toBe(true);
});

it('takes a file that goes away for a change, and one that comes back', async () => {
  const file = join(temporaryDirectory(), 'policy.yaml');
  writeFileSync(file, 'a');
  const watched = await WatchedFiles.of([file]);
  rmSync(file);
  await watched.haveChanged();
  expect(await watched.haveChanged()).toBe(true);
  await watched.take();
  writeFileSync(file, 'a');
  await watched.haveChanged();
  expect(await watched.haveChanged()).toBe(true);
});
