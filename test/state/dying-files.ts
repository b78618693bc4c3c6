import fs from 'node:fs';
import { REAL_FILES } from '../../src/state/files.ts';
import { faultyFiles } from './faulty-files.ts';

/** Where a program that is started by `killAtEveryCall` works. */
export const DIRECTORY = process.argv[2] as string;

/** The file system in which it dies at the call that was named: in the middle of it, where it writes. */
export const DYING_FILES = faultyFiles(
  REAL_FILES,
  (_name, call) => (call === Number(process.argv[3]) ? 'half' : 'pass'),
  () => {
    process.kill(process.pid, 'SIGKILL');
    return new Error('killed');
  },
);

/** Tells the test, at once. */
export function say(line: string): void {
  fs.writeSync(1, `${line}\n`);
}
