import type { Command } from 'commander';
import { AuditailError } from '../errors.ts';
import type { DeadLetterKey } from '../state/dead-letter-record.ts';
import type { DeadLetter } from '../state/read-dead-letter.ts';
import { deadLetterDirectory, removeDeadLetters } from '../state/read-dead-letter.ts';
import { outputDirectory } from '../state/state-directory.ts';
import { chosenLetters, lastSaid } from './chosen-letters.ts';
import type { Chosen } from './chosen-letters.ts';
import type { ConfigFlags, StateFlags } from './configuration.ts';
import { addStateOptions, stateDirectoryOf } from './configuration.ts';
import type { Context, Done } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { humanBytes, plural } from './human.ts';
import { moveLetters } from './move-letters.ts';
import { printable } from './printable.ts';
import { replayAll } from './replay.ts';
import { formatTable } from './table.ts';

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

  addStateOptions(group.command('remove <output> [record...]'))
    .description('give up events that are set aside: those of these numbers, or of a reason')
    .option('--reason <word>', 'all that are set aside for this reason')
    .action(async (output: string, records: readonly string[], flags: StateFlags & Chosen) =>
      done(await removeChosen(output, records, flags, context)),
    );

  choosing(group.command('move <file>'))
    .description(
      'write the events into a new file, one a line, and remove them here: for those that nobody will ever take',
    )
    .action(async (file: string, flags: StateFlags & Chosen) => done(await moveLetters(file, flags, context)));

  choosing(group.command('replay'))
    .description('send them again, with the outputs of the configuration; what is taken is removed')
    .action(async (flags: ConfigFlags & Chosen) => done(await replayAll(flags, context)));
}

/** All that is known of one, for people and programs: the newest words, and beside them the first. */
function described(letter: DeadLetter): Readonly<Record<string, unknown>> {
  const { meta, refusal } = letter;
  if (refusal === null) return { ...meta };
  const { reason, words, status } = meta;
  const newest = { reason: refusal.reason, words: refusal.words, status: refusal.status };
  return { ...meta, ...newest, replays: refusal.replays, replayedAt: refusal.at, first: { reason, words, status } };
}

async function list(flags: StateFlags & Chosen & { readonly json?: true }, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  const groups = new Map<string, { output: string; reason: string; count: number; bytes: number }>();
  const rows: string[][] = [];
  for await (const letter of chosenLetters(stateDirectoryOf(flags, context), flags)) {
    const { key, meta, refusal, length } = letter;
    if (flags.json === true) {
      terminal.print(JSON.stringify({ record: key.record, bytes: length, ...described(letter) }));
      continue;
    }
    const { reason, words } = lastSaid(letter);
    const name = `${meta.output} ${reason}`;
    const group = groups.get(name) ?? { output: meta.output, reason, count: 0, bytes: 0 };
    groups.set(name, { ...group, count: group.count + 1, bytes: group.bytes + length });
    rows.push([
      meta.output,
      String(key.record),
      meta.at,
      humanBytes(length),
      `${meta.name}:${meta.offset}`,
      String(1 + (refusal?.replays ?? 0)),
      reason,
      short(words),
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
      ['output', 'record', 'set aside', 'size', 'from', 'tries', 'reason', 'words'].map((title) =>
        title === 'tries' ? { title, align: 'right' } : { title },
      ),
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
  for await (const letter of chosenLetters(stateDirectoryOf(flags, context), { output })) {
    if (String(letter.key.record) !== record) continue;
    context.terminal.print(JSON.stringify(described(letter), null, 2));
    context.terminal.print(printable((await letter.bytes()).toString()));
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

/** Works beside a running agent, as replay does. The ledger goes on counting what is removed as dead-lettered. */
async function removeChosen(
  output: string,
  records: readonly string[],
  flags: StateFlags & Chosen,
  context: Context,
): Promise<ExitCode> {
  const directory = stateDirectoryOf(flags, context);
  if (records.length === 0 && flags.reason === undefined) {
    throw new AuditailError('AUD_USAGE', 'say which events are to be removed: numbers of records, or --reason', {
      hint: 'auditail dead-letter list shows both; export them first.',
    });
  }
  const keys: DeadLetterKey[] = [];
  for await (const { key } of chosenLetters(directory, { ...flags, output })) {
    if (records.length === 0 || records.includes(String(key.record))) keys.push(key);
  }
  const missing = records.filter((record) => !keys.some((key) => String(key.record) === record));
  if (missing.length > 0) {
    throw new AuditailError(
      'AUD_USAGE',
      `output ${output} has no record ${missing.join(', ')} set aside; nothing was removed`,
      {
        hint: 'auditail dead-letter list shows which there are.',
      },
    );
  }
  await removeDeadLetters(deadLetterDirectory(outputDirectory(directory, output)), keys);
  context.terminal.print(`${output}: ${plural(keys.length, 'event')} removed`);
  return EXIT.done;
}
