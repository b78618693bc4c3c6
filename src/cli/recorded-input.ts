import type { Command } from 'commander';
import { formatProblems } from '../config/problem.ts';
import type { Problem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { parseBytes } from '../config/quantity.ts';
import { AuditailError } from '../errors.ts';
import type { EventWalk } from '../inspect/event-walk.ts';
import { readFilterFile } from '../inspect/filter-file.ts';
import type { OpenedFilter } from '../inspect/opened-filter.ts';
import { openFilter } from '../inspect/opened-filter.ts';
import { RecordedLog, withBackups } from '../inspect/recorded-log.ts';
import { suggest } from '../config/suggestion.ts';
import { loadConfiguration } from './configuration.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { humanBytes, plural } from './human.ts';
import { printable } from './printable.ts';

export interface FilterFlags {
  readonly config?: string;
  readonly output?: string;
  readonly filterFile?: string;
}

export interface InputFlags {
  readonly backups?: true;
  readonly maxLineBytes: string;
}

const MAX_LINE_BYTES = '64Mi';

/** Adds the flags that say which filter is meant. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file that has the filter (AUDITAIL_CONFIG)')
    .option('--output <name>', 'the output whose filter it is, where there are several')
    .option('--filter-file <file>', 'a file with keep and drop alone, instead of a configuration');
}

/** Adds the flags that say how the recorded events are read. */
export function addInputOptions(command: Command): Command {
  return command
    .option('--backups', 'read the backups of each file before it: audit-<time>.log, also gzipped')
    .option('--max-line-bytes <size>', 'a longer line is counted and passed over', MAX_LINE_BYTES);
}

/** The filter that the flags mean; undefined where they name none. */
export function openNamedFilter(flags: FilterFlags, context: Context): OpenedFilter | undefined {
  if (flags.filterFile !== undefined) return openFilterFile(flags.filterFile, flags.output, context);
  if (flags.config === undefined && !context.environment['AUDITAIL_CONFIG']) return undefined;
  return filterOfConfig(flags.config, flags.output, context);
}

/** @throws {AuditailError} AUD_CONFIG with everything that is wrong with the file */
export function openFilterFile(file: string, output: string | undefined, context: Context): OpenedFilter {
  const read = readFilterFile(file);
  if (read.type === 'filter') return read.filter;
  if (read.type === 'configuration') return filterOfConfig(file, output, context);
  throw problemsError(read.problems);
}

function filterOfConfig(file: string | undefined, output: string | undefined, context: Context): OpenedFilter {
  const loaded = loadConfiguration(file === undefined ? {} : { config: file }, context);
  if (!loaded.ok) throw problemsError(loaded.problems);
  const chosen = chooseOutput(loaded.config, output);
  return openFilter(`${loaded.file ?? 'the configuration'} (${chosen.name})`, chosen.filter);
}

function chooseOutput({ outputs }: Config, name: string | undefined): Config['outputs'][number] {
  const [first, ...others] = outputs;
  const found = name === undefined ? first : outputs.find((output) => output.name === name);
  const names = outputs.map((output) => output.name);
  if (found === undefined || (name === undefined && others.length > 0)) {
    const message = name === undefined ? 'there are several outputs' : `there is no output ${JSON.stringify(name)}`;
    throw new AuditailError('AUD_USAGE', message, { hint: `Say which with --output: ${names.join(', ')}.` });
  }
  return found;
}

export function problemsError(problems: readonly Problem[]): AuditailError {
  const count = problems.filter(({ level }) => level === 'error').length;
  return new AuditailError('AUD_CONFIG', `${plural(count, 'problem')}\n${formatProblems(problems)}`);
}

/** The name of a rule as it was meant; one that is not there is refused. */
export function checkRule(rule: string, { rules, origin }: OpenedFilter, place = ''): void {
  if (rules.includes(rule)) return;
  const meant = suggest(rule, rules);
  const hint = rules.length === 0 ? 'It has no rules.' : `Its rules are ${rules.join(', ')}.`;
  throw new AuditailError('AUD_USAGE', `${place}${origin} has no rule ${JSON.stringify(rule)}`, {
    hint: meant === undefined ? hint : `Did you mean ${meant}?`,
  });
}

/** The files that the arguments mean, or the pipe. */
export async function openRecorded(
  files: readonly string[],
  { backups, maxLineBytes }: InputFlags,
  context: Context,
): Promise<RecordedLog> {
  const bound = parseBytes(maxLineBytes);
  if (bound === undefined || bound < 1 || bound > 2 ** 29) {
    throw new AuditailError('AUD_USAGE', `--max-line-bytes must be a size up to 512Mi, not ${maxLineBytes}`);
  }
  if (files.filter((file) => file === '-').length > 1) {
    throw new AuditailError('AUD_USAGE', 'standard input can be read once only');
  }
  const all: string[] = [];
  for (const file of files) all.push(...(backups === true && file !== '-' ? await withBackups(file) : [file]));
  return new RecordedLog({ files: all, stdin: context.input ?? (() => process.stdin), maxLineBytes: bound });
}

/** Says on standard error what was recorded and is no event; 1 where a file could not be read to its end. */
export function complainOf(walk: EventWalk, { terminal }: Context): ExitCode {
  for (const { reason, count, bytes } of walk.asides) {
    terminal.complain(`no event: ${plural(count, 'piece')}, ${humanBytes(bytes)} (${reason})`);
  }
  for (const words of walk.unreadable) terminal.complain(`not read to its end: ${printable(words)}`);
  return walk.unreadable.length === 0 ? EXIT.done : EXIT.failed;
}

/** Lines for standard output, handed on before more are made; what stands in them has been made printable. */
export async function writeLines(lines: readonly string[], { terminal }: Context): Promise<void> {
  if (lines.length > 0) await terminal.write(Buffer.from(`${lines.join('\n')}\n`));
}
