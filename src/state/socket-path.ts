import fs from 'node:fs';
import path from 'node:path';
import { AuditailError } from '../errors.ts';

/** `sun_path` holds 108 bytes with the closing zero (unix(7)); Node.js answers EINVAL to a longer one. */
const MAX_SOCKET_PATH_BYTES = 107;

/** A directory under a name that is short enough for the sockets in it. */
export interface SocketDirectory {
  readonly path: string;
  close(): void;
}

/**
 * Sockets are addressed by path, and paths of sockets are short. Under a long directory they are reached through
 * `/proc/self/fd/N`, which is the directory itself under a short name, for as long as it is kept open.
 */
export function openSocketDirectory(directory: string, longestName: string): SocketDirectory {
  if (Buffer.byteLength(path.join(directory, longestName)) <= MAX_SOCKET_PATH_BYTES) {
    return { path: directory, close: () => undefined };
  }
  const fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  const short = `/proc/self/fd/${fd}`;
  if (!fs.existsSync(short)) {
    fs.closeSync(fd);
    throw new AuditailError('AUD_STATE_UNWRITABLE', `the path ${directory} is too long for a Unix socket in it`, {
      hint: `Name a state directory with a path of less than ${MAX_SOCKET_PATH_BYTES - longestName.length} bytes (--state-dir), or mount /proc.`,
    });
  }
  return { path: short, close: () => fs.closeSync(fd) };
}
