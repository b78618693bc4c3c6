import { readFileSync } from 'node:fs';

const USUAL_LIMIT = 1024;

/** How many unread files may be kept open: a quarter of the descriptors that the process may have. */
export function maxHeldFiles(): number {
  return Math.max(8, Math.min(4096, Math.floor(descriptorLimit() / 4)));
}

function descriptorLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line?.[1] === undefined ? USUAL_LIMIT : Number(line[1]);
  } catch {
    // No /proc, as on macOS: the usual limit is a safe guess.
    return USUAL_LIMIT;
  }
}
