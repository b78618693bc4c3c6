import fs from 'node:fs';
import { AuditailError, messageOf, systemCode } from '../errors.ts';

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free space on the filesystem of the state directory; what was stored before is unharmed.',
  EDQUOT: 'Raise the quota of the filesystem of the state directory; what was stored before is unharmed.',
  EROFS: 'Mount a writable volume at the state directory, or name another one with --state-dir.',
  ELOOP:
    'A symbolic link stands where a file of auditail belongs. auditail makes none: find out who did, and remove it.',
  ENXIO:
    'A FIFO or a socket stands where a file of auditail belongs. auditail makes none: find out who did, and remove it.',
  EIO: 'Look at the kernel log: the disk of the state directory gives errors.',
};

/** An error of the file system under the state directory, as a person should see it. */
export function unwritable(path: string, error: unknown): AuditailError {
  if (error instanceof AuditailError) return error;
  const hint = HINTS[systemCode(error)] ?? accessHint(path);
  return new AuditailError('AUD_STATE_UNWRITABLE', `cannot write ${path}: ${messageOf(error)}`, { hint, cause: error });
}

/** Who owns the path (or what there is of it), with which mode, and who asks. */
export function ownership(path: string): string {
  const asking = `this process runs as uid ${process.geteuid?.() ?? '?'} gid ${process.getegid?.() ?? '?'}`;
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return `${path} does not exist; ${asking}`;
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  return `${path} has mode ${mode} and belongs to uid ${stat.uid} gid ${stat.gid}; ${asking}`;
}

function accessHint(path: string): string {
  return `Give the directory to the user that auditail runs as (chown, or securityContext.runAsUser), or name another one with --state-dir. ${describe(path)}.`;
}

/** `ownership`, or why even that cannot be found out. */
function describe(path: string): string {
  try {
    return ownership(path);
  } catch (error) {
    return messageOf(error);
  }
}
