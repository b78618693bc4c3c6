import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AuditailError, messageOf, systemCode } from '../errors.ts';
import { knownOutputs } from '../inspect/stored-state.ts';
import type { DeadLetterKey } from '../state/dead-letter-record.ts';
import { REAL_FILES, syncDirectory } from '../state/files.ts';
import { deadLetterDirectory, removeDeadLetters } from '../state/read-dead-letter.ts';
import { outputDirectory } from '../state/state-directory.ts';
import { type Chosen, chosenLetters } from './chosen-letters.ts';
import { type StateFlags, stateDirectoryOf } from './configuration.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { plural } from './human.ts';

const NEWLINE = Buffer.from('\n');

/**
 * `auditail dead-letter move`: makes room in a dead letter beside a running agent. What is removed is what stands in the
 * new file, forced to disk, and nothing that was set aside meanwhile.
 */
export async function moveLetters(path: string, flags: StateFlags & Chosen, context: Context): Promise<ExitCode> {
  const stateDirectory = stateDirectoryOf(flags, context);
  const file = await makeFile(path);
  const moved = new Map<string, DeadLetterKey[]>();
  try {
    for (const name of await knownOutputs(stateDirectory, flags.output)) {
      const keys: DeadLetterKey[] = [];
      moved.set(name, keys);
      for await (const { key, chunks } of chosenLetters(stateDirectory, { ...flags, output: name })) {
        for await (const chunk of chunks()) await file.writeFile(chunk);
        await file.writeFile(NEWLINE);
        keys.push(key);
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(REAL_FILES, dirname(path));
  for (const [name, keys] of moved) {
    await removeDeadLetters(deadLetterDirectory(outputDirectory(stateDirectory, name)), keys);
    context.terminal.print(`${name}: ${plural(keys.length, 'event')} moved`);
  }
  return EXIT.done;
}

/** Of its owner only, as the dead letter is; never over another. */
async function makeFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const there = systemCode(error) === 'EEXIST';
    throw new AuditailError('AUD_USAGE', there ? `${path} is there already` : messageOf(error), {
      hint: 'name a file that is not there yet, in a directory that is.',
      cause: error,
    });
  }
}
