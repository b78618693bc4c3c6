import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { AuditLog } from '../../src/demo/audit-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const NOON = Date.UTC(2026, 10, 23, 12, 0, 0, 7);

test('a line that would make the file too large goes into a new file, and the old one is renamed to the UTC time', async () => {
  const directory = temporaryDirectory();
  const log = new AuditLog({ path: join(directory, 'audit.log'), maxSizeBytes: 10, now: () => NOON });
  log.write('12345\n');
  log.write('6789\n');
  await log.close();
  expect(readdirSync(directory)).toEqual(['audit-2026-11-23T12-00-00.007.log', 'audit.log']);
  expect(readFileSync(join(directory, 'audit-2026-11-23T12-00-00.007.log'), 'utf8')).toBe('12345\n');
  expect(readFileSync(log.path, 'utf8')).toBe('6789\n');
  expect(log).toMatchObject({ rotations: 1, lines: 2, bytes: 11 });
});

test('a line larger than the limit stands alone in its file', async () => {
  const log = new AuditLog({ path: join(temporaryDirectory(), 'audit.log'), maxSizeBytes: 4 });
  log.write('123456789\n');
  log.write('1\n');
  expect(log.backups()).toHaveLength(1);
  await log.close();
});

test('files are for root only, and a mode that somebody gave the log carries over to the next file', async () => {
  const path = join(temporaryDirectory(), 'audit', 'audit.log');
  const log = new AuditLog({ path });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  const { chmodSync } = await import('node:fs');
  chmodSync(path, 0o640);
  log.rotate();
  expect(statSync(path).mode & 0o777).toBe(0o640);
  await log.close();
});

test('two rotations within a millisecond keep both backups', async () => {
  const log = new AuditLog({ path: join(temporaryDirectory(), 'audit.log'), now: () => NOON });
  log.write('a\n');
  log.rotate();
  log.write('b\n');
  log.rotate();
  expect(log.backups()).toEqual(['audit-2026-11-23T12-00-00.007.log', 'audit-2026-11-23T12-00-00.008.log']);
  await log.close();
});

test('the oldest backups are deleted, compressed ones too', async () => {
  const directory = temporaryDirectory();
  const log = new AuditLog({ path: join(directory, 'audit.log'), maxBackups: 2, compress: true, millByItself: false });
  for (const text of ['a', 'b', 'c', 'd']) {
    log.write(`${text}\n`);
    log.rotate();
    if (text === 'b') await log.mill();
  }
  await log.mill();
  const backups = log.backups();
  expect(backups.map((name) => gunzipSync(readFileSync(join(directory, name))).toString())).toEqual(['c\n', 'd\n']);
  await log.close();
});

test('a compressed backup replaces the plain one only when it is complete', async () => {
  const directory = temporaryDirectory();
  const log = new AuditLog({ path: join(directory, 'audit.log'), compress: true, millByItself: false });
  log.write(`${'x'.repeat(1000)}\n`);
  const backup = log.rotate();
  const milling = log.mill();
  expect(existsSync(backup)).toBe(true);
  await milling;
  expect(existsSync(backup)).toBe(false);
  expect(gunzipSync(readFileSync(`${backup}.gz`)).length).toBe(1001);
  await log.close();
});

test('a restart appends to the file that is there', async () => {
  const path = join(temporaryDirectory(), 'audit.log');
  const first = new AuditLog({ path, maxSizeBytes: 6 });
  first.write('123\n');
  first.abandon();
  const second = new AuditLog({ path, maxSizeBytes: 6 });
  second.write('4\n');
  expect(second.rotations).toBe(0);
  second.write('5\n');
  expect(second.rotations).toBe(1);
  await second.close();
});
