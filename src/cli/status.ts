import type { Command } from 'commander';
import { parseDurationMs } from '../config/units.ts';
import { AuditailError } from '../errors.ts';
import { askAgent } from '../inspect/ask-agent.ts';
import { knownOutputs, readStoredState } from '../inspect/stored-state.ts';
import { readLedger } from '../state/read-ledger.ts';
import { outputDirectory } from '../state/state-directory.ts';
import type { StateFlags } from './configuration.ts';
import { addStateOptions, stateDirectoryOf } from './configuration.ts';
import type { Context, Done } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { printableLines } from './printable.ts';
import { stopOnSignals } from './signals.ts';
import { describeEntry, describeStatus, describeStored } from './status-text.ts';
import { watch } from './watch.ts';

interface StatusFlags extends StateFlags {
  readonly json?: true;
  readonly ledger?: true;
  readonly watch?: true;
  readonly interval: string;
}

export function addStatusCommand(program: Command, context: Context, done: Done): void {
  addStateOptions(program.command('status'))
    .description('show how far each output is, what became of the events, and what was lost')
    .option('--json', 'as JSON')
    .option('--watch', 'draw it again and again: rates, lag, deadlines, the last errors')
    .option('--interval <duration>', 'how often to look with --watch', '1s')
    .option('--ledger', 'show the ledger instead: a line for each file that was settled, and each loss')
    .action(async (flags: StatusFlags) => done(await status(flags, context)));
}

/** Asks the agent that runs; where none does, says what it left behind. */
async function status(flags: StatusFlags, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  const directory = stateDirectoryOf(flags, context);
  if (flags.ledger === true) return showLedger(directory, flags, context);
  if (flags.watch === true) return watchUntilStopped(directory, flags, context);
  const running = await askAgent(directory);
  if (running !== null) {
    terminal.print(
      flags.json === true ? JSON.stringify(running, null, 2) : printableLines(describeStatus(running, Date.now())),
    );
    return EXIT.done;
  }
  const stored = await readStoredState(directory);
  if (flags.json === true) {
    terminal.print(JSON.stringify({ running: false, stateDirectory: directory, stored }, null, 2));
    return EXIT.done;
  }
  terminal.complain(`No agent runs on ${directory}. This is where it stood:`);
  terminal.print(printableLines(describeStored(stored)));
  return EXIT.done;
}

async function watchUntilStopped(
  stateDirectory: string,
  { interval, json }: StatusFlags,
  { terminal }: Context,
): Promise<ExitCode> {
  if (json === true) throw new AuditailError('AUD_USAGE', '--json does not go with --watch');
  const stopping = new AbortController();
  const release = stopOnSignals({ stop: () => stopping.abort(new Error('stopped')) });
  try {
    await watch(terminal, { stateDirectory, intervalMs: intervalOf(interval), signal: stopping.signal });
    return EXIT.done;
  } finally {
    release();
  }
}

function intervalOf(text: string): number {
  const parsed = parseDurationMs(text);
  if (parsed !== undefined && parsed >= 100 && parsed <= 3_600_000) return parsed;
  throw new AuditailError('AUD_USAGE', `--interval ${JSON.stringify(text)} is no duration from 100ms to 1h`);
}

async function showLedger(directory: string, { json }: StatusFlags, { terminal }: Context): Promise<ExitCode> {
  for (const output of await knownOutputs(directory)) {
    for await (const entry of readLedger(outputDirectory(directory, output))) {
      terminal.print(
        json === true ? JSON.stringify({ output, ...entry }) : printableLines(describeEntry(output, entry)),
      );
    }
  }
  return EXIT.done;
}
