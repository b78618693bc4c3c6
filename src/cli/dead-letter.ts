import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { AuditailError } from '../errors.ts';
import { EventView } from '../event/event-view.ts';
import { openOutput } from '../inspect/open-output.ts';
import { replay } from '../inspect/replay.ts';
import { knownOutputs } from '../inspect/stored-state.ts';
import type { DeadLetter } from '../state/read-dead-letter.ts';
import { deadLetterDirectory, readDeadLetters, removeDeadLetters } from '../state/read-dead-letter.ts';
import { outputDirectory } from '../state/state-directory.ts';
import type { ConfigFlags, StateFlags } from './configuration.ts';
import { addStateOptions, loadConfiguration, printProblems, stateDirectoryOf } from './configuration.ts';
import type { Context, Done } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { humanBytes, plural } from './human.ts';
import { printable } from './printable.ts';
import { progressBar } from './progress-bar.ts';
import { formatTable } from './table.ts';

interface Chosen {
  readonly output?: string;
  readonly reason?: string;
}

const SHOWN = 50;
const NEWLINE = Buffer.from('\n');

/** Adds the flags that choose among the events. */
function choosing(command: Command): Command {
  return addStateOptions(command)
    .option('--output <name>', 'of this output only')
    .option('--reason <word>', 'set aside for this reason only');
}

/** `auditail dead-letter …`: the events that a receiver would not take. */
export function addDeadLetterCommands(program: Command, context: Context, done: Done): void {
  const group = program
    .command('dead-letter')
    .description('look at the events that were set aside, and send them again');
  choosing(group.command('list'))
    .description('show how many were set aside, and why')
    .option('--json', 'a line of JSON for each of them')
    .action(async (flags: StateFlags & Chosen & { readonly json?: true }) => done(await list(flags, context)));

  addStateOptions(group.command('show <output> <record>'))
    .description('show one of them: why, from where, and the event itself')
    .action(async (output: string, record: string, flags: StateFlags) =>
      done(await show(output, record, flags, context)),
    );

  choosing(group.command('export'))
    .description('write the events to standard output, one a line')
    .action(async (flags: StateFlags & Chosen) => done(await exportAll(flags, context)));

  choosing(group.command('replay'))
    .description('send them again, with the outputs of the configuration; what is taken is removed')
    .action(async (flags: ConfigFlags & Chosen) => done(await replayAll(flags, context)));
}

async function* chosenLetters(directory: string, { output, reason }: Chosen): AsyncGenerator<DeadLetter> {
  for (const name of await knownOutputs(directory, output)) {
    for await (const letter of readDeadLetters(deadLetterDirectory(outputDirectory(directory, name)))) {
      if (reason === undefined || letter.meta.reason === reason) yield letter;
    }
  }
}

async function list(flags: StateFlags & Chosen & { readonly json?: true }, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  const groups = new Map<string, { output: string; reason: string; count: number; bytes: number }>();
  const rows: string[][] = [];
  for await (const { key, meta, length } of chosenLetters(stateDirectoryOf(flags, context), flags)) {
    if (flags.json === true) {
      terminal.print(JSON.stringify({ record: key.record, bytes: length, ...meta }));
      continue;
    }
    const name = `${meta.output} ${meta.reason}`;
    const group = groups.get(name) ?? { output: meta.output, reason: meta.reason, count: 0, bytes: 0 };
    groups.set(name, { ...group, count: group.count + 1, bytes: group.bytes + length });
    rows.push([
      meta.output,
      String(key.record),
      meta.at,
      humanBytes(length),
      `${meta.name}:${meta.offset}`,
      meta.reason,
      short(meta.words),
    ]);
    if (rows.length > SHOWN) rows.shift();
  }
  if (flags.json === true) return EXIT.done;
  if (rows.length === 0) {
    terminal.print('Nothing is set aside.');
    return EXIT.done;
  }
  const summary = [...groups.values()].map(({ output, reason, count, bytes }) => [
    output,
    reason,
    String(count),
    humanBytes(bytes),
  ]);
  terminal.print(
    formatTable(
      [
        { title: 'output' },
        { title: 'reason' },
        { title: 'events', align: 'right' },
        { title: 'size', align: 'right' },
      ],
      summary,
    ),
  );
  terminal.print('');
  terminal.print(
    formatTable(
      ['output', 'record', 'set aside', 'size', 'from', 'reason', 'words'].map((title) => ({ title })),
      rows,
    ),
  );
  const all = [...groups.values()].reduce((total, { count }) => total + count, 0);
  if (all > rows.length) terminal.print(`… and ${plural(all - rows.length, 'older one')}; --json shows all.`);
  return EXIT.done;
}

function short(words: string): string {
  return words.length > 80 ? `${words.slice(0, 79)}…` : words;
}

async function show(output: string, record: string, flags: StateFlags, context: Context): Promise<ExitCode> {
  for await (const { key, meta, bytes } of chosenLetters(stateDirectoryOf(flags, context), { output })) {
    if (String(key.record) !== record) continue;
    context.terminal.print(JSON.stringify(meta, null, 2));
    context.terminal.print(printable((await bytes()).toString()));
    return EXIT.done;
  }
  throw new AuditailError('AUD_USAGE', `output ${output} has no record ${record} set aside`, {
    hint: 'auditail dead-letter list shows which there are.',
  });
}

/** The bytes as they were stored: for files and other programs, whatever a terminal would make of them. */
async function exportAll(flags: StateFlags & Chosen, context: Context): Promise<ExitCode> {
  for await (const { chunks } of chosenLetters(stateDirectoryOf(flags, context), flags)) {
    for await (const chunk of chunks()) await context.terminal.write(chunk);
    await context.terminal.write(NEWLINE);
  }
  return EXIT.done;
}

/** Works beside a running agent: records are marked as removed, and the agent takes them out. */
async function replayAll(flags: ConfigFlags & Chosen, context: Context): Promise<ExitCode> {
  const { output: only, reason, ...configFlags } = flags;
  const loaded = loadConfiguration(configFlags, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const { config } = loaded;
  let exit: ExitCode = EXIT.done;
  for (const name of await knownOutputs(config.stateDirectory, only)) {
    const described = config.outputs.find((output) => output.name === name);
    if (described === undefined) {
      context.terminal.complain(`${name}: the configuration has no such output; its events stay`);
      exit = EXIT.failed;
      continue;
    }
    const output = openOutput(described, config.metadata, { userAgent: `auditail/${context.version}` });
    try {
      const directory = deadLetterDirectory(outputDirectory(config.stateDirectory, name));
      const chosen = { output: name, ...(reason === undefined ? {} : { reason }) };
      const all = await countOf(chosenLetters(config.stateDirectory, chosen));
      const letters = chosenLetters(config.stateDirectory, chosen);
      if (!(await replayOne(name, directory, letters, all, output, context))) exit = EXIT.failed;
    } finally {
      await output.close();
    }
  }
  return exit;
}

/** The bodies are not read for it. */
async function countOf(letters: AsyncIterable<DeadLetter>): Promise<number> {
  let count = 0;
  for await (const _letter of letters) count += 1;
  return count;
}

async function replayOne(
  name: string,
  directory: string,
  letters: AsyncIterable<DeadLetter>,
  all: number,
  output: ReturnType<typeof openOutput>,
  { terminal }: Context,
): Promise<boolean> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  try {
    const { delivered, kept, gaveUp } = await replay(letters, {
      output,
      event: new EventView(),
      remove: (keys) => removeDeadLetters(directory, keys),
      kept: ({ key }, why, words) =>
        terminal.complain(printable(`${name}: record ${key.record} stays: ${why}: ${words}`)),
      progress: (count) => {
        const line = `${name}: ${progressBar(count, all)}  ${count} of ${plural(all, 'event')} delivered`;
        if (terminal.isLive) terminal.draw(`\r${line.slice(0, terminal.columns - 1)}\u001b[K`);
      },
      sleep: (ms) => sleep(ms),
      signal: interruption.signal,
    });
    if (terminal.isLive) terminal.draw('\r\u001b[K');
    terminal.print(`${name}: ${plural(delivered, 'event')} delivered, ${kept} kept`);
    if (gaveUp === null) return kept === 0;
    terminal.complain(printable(`${name}: stopped: ${gaveUp.reason}: ${gaveUp.words}`));
    return false;
  } finally {
    process.off('SIGINT', interrupt);
  }
}
