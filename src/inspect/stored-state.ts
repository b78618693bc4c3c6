import { existsSync } from 'node:fs';
import { AuditailError } from '../errors.ts';
import type { Checkpoint } from '../state/checkpoint.ts';
import { readCheckpoint } from '../state/read-checkpoint.ts';
import { deadLetterDirectory, readDeadLetters } from '../state/read-dead-letter.ts';
import { checkpointDirectory, listOutputs, listSources, outputDirectory } from '../state/state-directory.ts';

/** What an output keeps about a source, or why that cannot be read. */
export interface StoredPipeline {
  readonly output: string;
  readonly source: string;
  /** `null`: nothing was saved yet. */
  readonly checkpoint: Checkpoint | null;
  readonly error?: AuditailError;
}

/** What is stored of all outputs, or of one. Changes nothing, and may be read while the agent runs. */
export async function readStoredState(stateDirectory: string, only?: string): Promise<readonly StoredPipeline[]> {
  const outputs = await knownOutputs(stateDirectory, only);
  const found: StoredPipeline[] = [];
  for (const output of outputs) {
    for (const source of await listSources(stateDirectory, output)) {
      found.push(await readStoredPipeline(stateDirectory, output, source));
    }
  }
  return found;
}

/** Names of the outputs that have state; of one that has none, AUD_USAGE with those that have. */
export async function knownOutputs(stateDirectory: string, only?: string): Promise<readonly string[]> {
  if (!existsSync(stateDirectory)) {
    throw new AuditailError('AUD_USAGE', `there is no state directory ${stateDirectory}`, {
      hint: 'Name it with --state-dir, or name the configuration with --config.',
    });
  }
  const outputs = await listOutputs(stateDirectory);
  if (only === undefined) return outputs;
  if (outputs.includes(only)) return [only];
  throw new AuditailError('AUD_USAGE', `there is no state of an output ${JSON.stringify(only)} in ${stateDirectory}`, {
    hint: outputs.length === 0 ? 'There is none of any output.' : `There is state of ${outputs.join(', ')}.`,
  });
}

async function readStoredPipeline(stateDirectory: string, output: string, source: string): Promise<StoredPipeline> {
  try {
    const { checkpoint } = await readCheckpoint(checkpointDirectory(stateDirectory, output, source));
    return { output, source, checkpoint };
  } catch (error) {
    if (error instanceof AuditailError) return { output, source, checkpoint: null, error };
    throw error;
  }
}

/** How many events are set aside for an output. */
export async function countDeadLetters(stateDirectory: string, output: string): Promise<number> {
  let count = 0;
  for await (const _letter of readDeadLetters(deadLetterDirectory(outputDirectory(stateDirectory, output)))) count += 1;
  return count;
}
