import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { REPOSITORY } from './source-files.ts';

/** The folder beside the repository that holds the scripts of real servers and the large corpus. */
const SHARED = process.env['AUDITAIL_SHARED'] ?? resolve(REPOSITORY, '../shared');

/** A path in it; `undefined` where it is not there, and a test that needs it is to be skipped with a sentence. */
export function shared(path: string): string | undefined {
  const full = join(SHARED, path);
  return existsSync(full) ? full : undefined;
}
