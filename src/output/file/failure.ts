import { messageOf, systemCode } from '../../errors.ts';
import type { Again } from '../output.ts';
import { words } from '../words.ts';

/** What goes away by itself, or with the next rotation, and the rest: somebody has to mend it. By system error code. */
const REASONS: Readonly<Record<string, readonly [how: Again['how'], reason: string]>> = {
  ENOSPC: ['retry', 'disk-full'],
  EDQUOT: ['retry', 'quota'],
  EIO: ['retry', 'io-error'],
  EPIPE: ['hold', 'reader-gone'],
  EBADF: ['hold', 'closed'],
  EACCES: ['hold', 'not-permitted'],
  EPERM: ['hold', 'not-permitted'],
  EROFS: ['hold', 'read-only'],
  ENOENT: ['hold', 'no-directory'],
  ENOTDIR: ['hold', 'no-directory'],
  EISDIR: ['hold', 'not-a-file'],
  ENXIO: ['hold', 'not-a-file'],
  EFBIG: ['hold', 'file-too-large'],
};

/** Items to write again after a system error. What has no code is a fault of the program, and thrown on. */
export function writeFailure(error: unknown, target: string, items: readonly number[], more = ''): Again {
  const code = systemCode(error);
  if (code === '') throw error;
  const [how, reason] = REASONS[code] ?? ['retry', code.toLowerCase()];
  return { how, items, status: 0, reason, words: words(`cannot write to ${target}: ${messageOf(error)}${more}`) };
}

/** Items that were not begun with because the agent is stopping. */
export function stopped(items: readonly number[]): Again {
  return { how: 'retry', items, status: 0, reason: 'aborted', words: 'the agent is stopping' };
}
