import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppendFile } from '../../src/state/append-file.ts';
import { REAL_FILES } from '../../src/state/files.ts';
import type { StateFiles } from '../../src/state/files.ts';
import { faultyFiles, systemError } from './faulty-files.ts';
import { scratchDirectory } from './scratch.ts';

let directory: string;
let file: string;
let failing: Partial<Record<keyof StateFiles, 'fail' | 'half'>>;

beforeEach(() => {
  directory = scratchDirectory();
  file = path.join(directory, 'file');
  failing = {};
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function open(): Promise<AppendFile> {
  const files = faultyFiles(
    REAL_FILES,
    (name) => failing[name] ?? 'pass',
    () => systemError('ENOSPC'),
  );
  return AppendFile.open(file, files);
}

function text(): string {
  return fs.readFileSync(file, 'utf8');
}

test('what was half-written is cut off at once', async () => {
  const appended = await open();
  await appended.append((put) => put(Buffer.from('one\n')));
  failing = { write: 'half' };
  await expect(appended.append((put) => put(Buffer.from('second\n')))).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(text()).toBe('one\n');
});

test('what was written and could not be forced to disk is cut off', async () => {
  const appended = await open();
  failing = { sync: 'fail', truncate: 'fail' };
  await expect(appended.append((put) => put(Buffer.from('one\n')))).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(appended.size).toBe(0);
  failing = {};
  await appended.append((put) => put(Buffer.from('two\n')));
  expect(text()).toBe('two\n');
});

test('where it cannot be cut off at once, that is done before the next append', async () => {
  const appended = await open();
  await appended.append((put) => put(Buffer.from('one\n')));
  failing = { write: 'half', truncate: 'fail' };
  await expect(appended.append((put) => put(Buffer.from('second\n')))).rejects.toBeInstanceOf(AggregateError);
  expect(text()).toBe('one\nsec');
  failing = { truncate: 'fail' };
  await expect(appended.append((put) => put(Buffer.from('third\n')))).rejects.toThrow('ENOSPC');
  expect(text()).toBe('one\nsec');
  failing = {};
  await appended.append((put) => put(Buffer.from('fourth\n')));
  expect(text()).toBe('one\nfourth\n');
  expect(appended.size).toBe(11);
});
