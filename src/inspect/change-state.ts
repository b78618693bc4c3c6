import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AuditailError } from '../errors.ts';
import { CheckpointStore } from '../state/checkpoint-store.ts';
import type { Checkpoint } from '../state/checkpoint.ts';
import { REAL_FILES, syncDirectory } from '../state/files.ts';
import { lockState } from '../state/lock.ts';
import type { StateLock } from '../state/lock.ts';
import { checkpointDirectory, listSources, openStateDirectory, outputDirectory } from '../state/state-directory.ts';
import { knownOutputs } from './stored-state.ts';

/** Changes the state while no agent runs on it: AUD_STATE_LOCKED where one does. */
export async function changeState<Result>(
  stateDirectory: string,
  change: (lock: StateLock, root: string) => Promise<Result>,
): Promise<Result> {
  // Before anything is created: a mistyped directory should not come into being.
  await knownOutputs(stateDirectory);
  const { path: root } = await openStateDirectory(stateDirectory);
  const lock = await lockState(root);
  try {
    return await change(lock, root);
  } finally {
    await lock.release();
  }
}

/** Names of the sources of an output that have a checkpoint, or the one that is asked for. */
export async function chosenSources(root: string, output: string, only?: string): Promise<readonly string[]> {
  await knownOutputs(root, output);
  const sources = await listSources(root, output);
  if (only === undefined) return sources;
  if (sources.includes(only)) return [only];
  throw new AuditailError('AUD_USAGE', `output ${output} has no checkpoint of a source ${JSON.stringify(only)}`, {
    hint: sources.length === 0 ? 'It has none at all.' : `It has one of ${sources.join(', ')}.`,
  });
}

/** Replaces a checkpoint by what `edit` makes of it; `null` where there is none. */
export async function editCheckpoint(
  lock: StateLock,
  directory: string,
  edit: (checkpoint: Checkpoint) => Checkpoint,
): Promise<{ readonly before: Checkpoint; readonly after: Checkpoint } | null> {
  const store = new CheckpointStore(directory, lock);
  try {
    const { checkpoint } = await store.load();
    if (checkpoint === null) return null;
    const after = edit(checkpoint);
    await store.save(after);
    return { before: checkpoint, after };
  } finally {
    await store.close();
  }
}

/** Forgets how far an output has read a source. Its ledger and its dead letter stay. */
export async function removeCheckpoint(root: string, output: string, source: string): Promise<void> {
  const directory = checkpointDirectory(root, output, source);
  await rm(directory, { recursive: true });
  await syncDirectory(REAL_FILES, path.dirname(directory));
}

/** Forgets an output altogether: checkpoints, ledger and dead letter. */
export async function removeOutput(root: string, output: string): Promise<void> {
  const directory = outputDirectory(root, output);
  await rm(directory, { recursive: true });
  await syncDirectory(REAL_FILES, path.dirname(directory));
}

/** Files everything an output has under another name. */
export async function renameOutput(lock: StateLock, root: string, from: string, to: string): Promise<void> {
  const target = outputDirectory(root, to);
  if (existsSync(target)) {
    throw new AuditailError('AUD_USAGE', `there is state of an output ${JSON.stringify(to)} already`, {
      hint: `Remove it first, if it is not needed: auditail state remove ${to} --all`,
    });
  }
  await rename(outputDirectory(root, from), target);
  await syncDirectory(REAL_FILES, path.dirname(target));
  for (const source of await listSources(root, to)) {
    await editCheckpoint(lock, checkpointDirectory(root, to, source), (checkpoint) => ({ ...checkpoint, output: to }));
  }
}
