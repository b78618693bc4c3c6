/** Notes and saves in the directory named first, and is killed in the Nth call of the file system: a write is half done then. */
import fs from 'node:fs';
import { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { REAL_FILES } from '../../src/state/files.ts';
import { runSteps } from './checkpoint-steps.ts';
import type { Progress } from './checkpoint-steps.ts';
import { faultyFiles } from './faulty-files.ts';
import { openFence } from './samples.ts';

const [, , directory = '', nth = ''] = process.argv;

function die(): Error {
  process.kill(process.pid, 'SIGKILL');
  return new Error('killed');
}

const files = faultyFiles(REAL_FILES, (_name, call) => (call === Number(nth) ? 'half' : 'pass'), die);
const progress: Progress = { confirmed: 0, passedIn: 0, errors: [] };
await runSteps(new CheckpointStore(directory, openFence(1), { files }), progress, () => {
  fs.writeSync(1, `${progress.confirmed}\n`);
});
if (progress.errors.length > 0) throw new Error(progress.errors.join(', '));
