import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { sourceSchema } from '../../src/config/source-schema.ts';
import type { FileSourceConfig } from '../../src/config/schema.ts';
import { checkSource } from '../../src/inspect/check-source.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EVENT = '{"kind":"Event"}\n';

function source(file: string, pins: 'auto' | 'off' = 'off'): FileSourceConfig {
  return sourceSchema.parse({ name: 'api', type: 'file', path: file, retain: { pins } }) as FileSourceConfig;
}

function logDirectory(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(files))
    fs.writeFileSync(path.join(directory, name), content, { mode: 0o600 });
  return directory;
}

function levels(file: string, mounts = ''): readonly string[] {
  return checkSource(source(file), mounts).map(
    ({ level, text }) => `${level}: ${text.replaceAll(path.dirname(file), '/log')}`,
  );
}

it('finds the backups by their names, gzipped or not', () => {
  const directory = logDirectory({
    'audit.log': EVENT,
    'audit-2026-11-23T04-45-26.969.log': EVENT,
    'audit-2026-11-22T04-45-26.969.log.gz': '',
    'other.log': '',
  });
  const [, backups] = levels(path.join(directory, 'audit.log'));
  expect(backups).toBe('ok: 2 backups, 1 of them compressed; the oldest is audit-2026-11-22T04-45-26.969.log.gz');
});

it('says that another program rotates, where it looks so', () => {
  const directory = logDirectory({ 'audit.log': EVENT, 'audit.log.1': EVENT });
  expect(levels(path.join(directory, 'audit.log'))[1]).toBe(
    'warning: audit.log.1 looks like another program rotates the log',
  );
});

it('says that the log is no JSON', () => {
  const directory = logDirectory({ 'audit.log': '2026-11-23T04:45:26Z AUDIT: id="…"\n' });
  expect(levels(path.join(directory, 'audit.log'))[0]).toBe(
    'warning: /log/audit.log can be read, but does not begin as JSON',
  );
});

it('tells a file that is not there yet from a directory that is not mounted', () => {
  const directory = logDirectory({});
  expect(levels(path.join(directory, 'audit.log'))).toEqual(['warning: /log/audit.log is not there yet']);
  expect(levels(path.join(directory, 'nowhere', 'audit.log'))).toEqual(['error: /log is not there']);
});

it('says that a pipe is no file', () => {
  const directory = logDirectory({});
  const pipe = path.join(directory, 'audit.log');
  execFileSync('sh', ['-c', 'mkfifo "$0"', pipe]);
  expect(checkSource(source(pipe), '')).toEqual([
    { level: 'error', text: `${pipe} is no regular file`, hint: 'For a pipe use a source of type stdin (--stdin).' },
  ]);
});

it('knows a file that is mounted by itself, with a space in its path too', () => {
  const directory = path.join(logDirectory({}), 'my logs');
  fs.mkdirSync(directory);
  const file = path.join(directory, 'audit.log');
  fs.writeFileSync(file, EVENT);
  const mounts = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    `36 22 8:1 /srv/audit.log ${file.replaceAll(' ', '\\040')} rw,relatime - ext4 /dev/sda1 rw`,
    '',
  ].join('\n');
  expect(levels(file, mounts)[0]).toBe(
    'error: /log/audit.log is mounted as a single file: after a rotation this is not the log any more',
  );
  expect(levels(file, mounts.replace('/audit.log rw', ' rw')).some((line) => line.startsWith('error'))).toBe(false);
});

it('tries a pin and leaves nothing behind', () => {
  const directory = logDirectory({ 'audit.log': EVENT });
  const findings = checkSource(source(path.join(directory, 'audit.log'), 'auto'), '');
  expect(findings.at(-1)).toEqual({
    level: 'ok',
    text: 'unread files can be pinned, so that their deletion loses nothing',
  });
  expect(fs.readdirSync(directory)).toEqual(['audit.log']);
  fs.mkdirSync(path.join(directory, '.auditail'));
  checkSource(source(path.join(directory, 'audit.log'), 'auto'), '');
  expect(fs.readdirSync(path.join(directory, '.auditail'))).toEqual([]);
});

it('warns where a pin cannot be had', () => {
  const directory = logDirectory({ 'audit.log': EVENT, '.auditail': 'a file in the way' });
  const pins = checkSource(source(path.join(directory, 'audit.log'), 'auto'), '').at(-1);
  expect(pins).toMatchObject({ level: 'warning', text: expect.stringContaining('unread files cannot be pinned: ') });
  expect(fs.readFileSync(path.join(directory, '.auditail'), 'utf8')).toBe('a file in the way');
});

it.skipIf(process.geteuid?.() !== 0)(
  'names the directory that may not be entered, its mode and its owner (needs root to become somebody else)',
  () => {
    const directory = logDirectory({ 'audit.log': EVENT });
    fs.chmodSync(directory, 0o700);
    const own = process.geteuid?.() as number;
    process.seteuid?.(65_534);
    try {
      const [finding] = checkSource(source(path.join(directory, 'audit.log')), '');
      expect(finding).toMatchObject({
        level: 'error',
        text: `${directory}/audit.log cannot be read by user id 65534: ${directory} has mode 0700, owner 0:0`,
      });
    } finally {
      process.seteuid?.(own);
    }
  },
);
