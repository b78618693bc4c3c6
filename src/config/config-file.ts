import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { messageOf, systemCode } from '../errors.ts';
import type { Problem } from './problem.ts';

/** A configuration is a few KiB; somebody who names the audit log itself should not wait for it to be read. */
const MAX_BYTES = 2 ** 20;

/** The text of a configuration file, or why it cannot be had. */
export function readConfigFile(file: string): { readonly text: string } | { readonly problem: Problem } {
  const problem = (message: string): { readonly problem: Problem } => ({
    problem: { level: 'error', place: { text: file, line: 0, column: 0 }, path: '', message },
  });
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    return problem(reason(error));
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return problem('is a directory; name the file in it, e.g. auditail.yaml');
    if (!stat.isFile() && !stat.isFIFO()) return problem('is no file');
    if (stat.size > MAX_BYTES) return problem(`is larger than ${MAX_BYTES / 2 ** 20} MiB: that is no configuration`);
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(fd)) };
  } catch (error) {
    return problem(systemCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'is not UTF-8 text' : reason(error));
  } finally {
    closeSync(fd);
  }
}

function reason(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return 'is not there';
    case 'EACCES':
      return `cannot be read: permission denied for user id ${process.geteuid?.() ?? '?'}`;
    default:
      return `cannot be read: ${messageOf(error)}`;
  }
}
