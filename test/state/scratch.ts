import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** In memory where the system has a place for that: these tests force thousands of files to disk. */
const PLACE = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

/** A new, empty directory; whoever asks removes it. */
export function scratchDirectory(): string {
  return fs.mkdtempSync(path.join(PLACE, 'auditail-state-'));
}
