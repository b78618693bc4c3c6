import { knownOutputs } from '../inspect/stored-state.ts';
import type { DeadLetter } from '../state/read-dead-letter.ts';
import { deadLetterDirectory, readDeadLetters } from '../state/read-dead-letter.ts';
import { outputDirectory } from '../state/state-directory.ts';

/** Which of the events that were set aside a command means. */
export interface Chosen {
  readonly output?: string;
  /** The newest one: why it was set aside, or why it was refused when it was sent again. */
  readonly reason?: string;
  readonly source?: string;
}

/** Those events, output by output, oldest first. */
export async function* chosenLetters(directory: string, chosen: Chosen): AsyncGenerator<DeadLetter> {
  const { output, reason, source } = chosen;
  for (const name of await knownOutputs(directory, output)) {
    for await (const letter of readDeadLetters(deadLetterDirectory(outputDirectory(directory, name)))) {
      if (source !== undefined && letter.meta.source !== source) continue;
      if (reason === undefined || lastSaid(letter).reason === reason) yield letter;
    }
  }
}

/** What the receiver said the last time: when the event was set aside, or when it was sent again. */
export function lastSaid({ meta, refusal }: DeadLetter): Pick<DeadLetter['meta'], 'reason' | 'words' | 'status'> {
  return refusal ?? meta;
}
