/** Notes and saves, and says which step was confirmed; see killed-child.ts. */
import { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { runSteps } from './checkpoint-steps.ts';
import type { Progress } from './checkpoint-steps.ts';
import { DIRECTORY, DYING_FILES, say } from './dying-files.ts';
import { openFence } from './samples.ts';

const progress: Progress = { confirmed: 0, passedIn: 0, errors: [] };
const store = new CheckpointStore(DIRECTORY, openFence(1), { files: DYING_FILES });
await runSteps(store, progress, () => say(String(progress.confirmed)));
if (progress.errors.length > 0) throw new Error(progress.errors.join(', '));
