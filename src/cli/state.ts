import type { Command } from 'commander';
import { AuditailError } from '../errors.ts';
import {
  changeState,
  chosenSources,
  editCheckpoint,
  removeCheckpoint,
  removeOutput,
  renameOutput,
} from '../inspect/change-state.ts';
import { rewindTo, rewindToOldest } from '../inspect/rewind.ts';
import { countDeadLetters, readStoredState } from '../inspect/stored-state.ts';
import type { Checkpoint } from '../state/checkpoint.ts';
import { checkpointDirectory } from '../state/state-directory.ts';
import type { StateFlags } from './configuration.ts';
import { addStateOptions, stateDirectoryOf } from './configuration.ts';
import type { Context, Done } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { plural } from './human.ts';
import { printableLines } from './printable.ts';
import { describeStored } from './status-text.ts';

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

interface RewindFlags extends StateFlags {
  readonly to: string;
  readonly source?: string;
}

interface RemoveFlags extends StateFlags {
  readonly source?: string;
  readonly all?: true;
}

/** `auditail state …`: what the outputs remember, and ways to change it while no agent runs. */
export function addStateCommands(program: Command, context: Context, done: Done): void {
  const state = program.command('state').description('show and change how far each output has come');

  addStateOptions(state.command('list'))
    .description('show where each output stands')
    .option('--json', 'as JSON')
    .action(async (flags: StateFlags & { readonly json?: true }) => done(await list(undefined, flags, context)));

  addStateOptions(state.command('show <output>'))
    .description('show all that an output remembers, as JSON')
    .action(async (output: string, flags: StateFlags) => done(await list(output, { ...flags, json: true }, context)));

  addStateOptions(state.command('rewind <output>'))
    .description('read, and send, a part of the log again')
    .requiredOption('--to <time>', 'oldest, or a time such as 2026-11-23T04:00:00Z: from the file that holds it')
    .option('--source <name>', 'of this source only')
    .action(async (output: string, flags: RewindFlags) => done(await rewind(output, flags, context)));

  addStateOptions(state.command('remove <output>'))
    .description('forget where an output stands; it starts as on its first run')
    .option('--source <name>', 'of this source only')
    .option('--all', 'its ledger and its dead letter too')
    .action(async (output: string, flags: RemoveFlags) => done(await remove(output, flags, context)));

  addStateOptions(state.command('rename <output> <name>'))
    .description('file the state of an output under another name, after it got one in the configuration')
    .action(async (output: string, name: string, flags: StateFlags) =>
      done(await renameTo(output, name, flags, context)),
    );
}

async function list(
  output: string | undefined,
  flags: StateFlags & { readonly json?: true },
  context: Context,
): Promise<ExitCode> {
  const stored = await readStoredState(stateDirectoryOf(flags, context), output);
  const text = flags.json === true ? JSON.stringify(stored, null, 2) : printableLines(describeStored(stored));
  context.terminal.print(text);
  return stored.some(({ error }) => error !== undefined) ? EXIT.failed : EXIT.done;
}

async function rewind(output: string, flags: RewindFlags, context: Context): Promise<ExitCode> {
  const edit = rewinding(flags.to);
  return changeState(stateDirectoryOf(flags, context), async (lock, root) => {
    for (const source of await chosenSources(root, output, flags.source)) {
      const edited = await editCheckpoint(lock, checkpointDirectory(root, output, source), edit);
      if (edited === null) continue;
      const again = edited.before.segments.length - edited.after.segments.length;
      context.terminal.print(
        `${output}: ${plural(again, 'file')} of ${source} will be read again, as far as they are still there`,
      );
    }
    return EXIT.done;
  });
}

function rewinding(to: string): (checkpoint: Checkpoint) => Checkpoint {
  if (to === 'oldest') return rewindToOldest;
  const instantMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(to)
    ? Date.parse(to)
    : Number.NaN;
  if (!Number.isNaN(instantMs)) return (checkpoint) => rewindTo(checkpoint, instantMs);
  throw new AuditailError('AUD_USAGE', `--to ${JSON.stringify(to)} is no time`, {
    hint: 'Write oldest, or a time with its zone: 2026-11-23T04:00:00Z.',
  });
}

async function remove(output: string, flags: RemoveFlags, context: Context): Promise<ExitCode> {
  if (flags.all === true && flags.source !== undefined) {
    throw new AuditailError(
      'AUD_USAGE',
      'ledger and dead letter are one for all sources: --all does not go with --source',
    );
  }
  return changeState(stateDirectoryOf(flags, context), async (_lock, root) => {
    const sources = await chosenSources(root, output, flags.source);
    if (flags.all === true) {
      const letters = await countDeadLetters(root, output);
      await removeOutput(root, output);
      context.terminal.print(
        `${output}: all is forgotten, ${plural(letters, 'event')} that had been set aside included`,
      );
      return EXIT.done;
    }
    for (const source of sources) {
      await removeCheckpoint(root, output, source);
      context.terminal.print(`${output}: where it stood in ${source} is forgotten`);
    }
    return EXIT.done;
  });
}

async function renameTo(output: string, name: string, flags: StateFlags, context: Context): Promise<ExitCode> {
  if (!NAME.test(name)) throw new AuditailError('AUD_USAGE', `${JSON.stringify(name)} is no name for an output`);
  return changeState(stateDirectoryOf(flags, context), async (lock, root) => {
    await chosenSources(root, output);
    await renameOutput(lock, root, output, name);
    context.terminal.print(`${output} is ${name} from now on`);
    return EXIT.done;
  });
}
