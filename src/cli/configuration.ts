import { existsSync } from 'node:fs';
import { Option } from 'commander';
import type { Command } from 'commander';
import { readConfigFile } from '../config/config-file.ts';
import { parseDocument } from '../config/document.ts';
import { valueAt } from '../config/issues.ts';
import type { Loaded } from '../config/load.ts';
import { DEFAULT_CONFIG_FILE, DEFAULT_STATE_DIRECTORY } from '../config/default-places.ts';
import { loadConfig } from '../config/load.ts';
import { memoryLimitOf } from '../config/memory-bounds.ts';
import { formatProblems } from '../config/problem.ts';
import type { Settings } from '../config/settings.ts';
import { SETTING_NAMES, SETTINGS, variableOf } from '../config/settings.ts';
import { AuditailError } from '../errors.ts';
import { FILTER_CHECKS } from '../inspect/filter-checks.ts';
import type { Context } from './context.ts';
import { plural } from './human.ts';
import { printableLines } from './printable.ts';

export type ConfigFlags = { readonly config?: string } & { readonly [Name in keyof Settings]?: string | true };

/** Adds `--config` and the flags of all settings to a command. */
export function addConfigOptions(command: Command): Command {
  command.option('-c, --config <file>', `configuration file (AUDITAIL_CONFIG; default ${DEFAULT_CONFIG_FILE})`);
  for (const name of SETTING_NAMES) {
    const { flag, argument, about } = SETTINGS[name];
    const usage = argument === '' ? flag : `${flag} ${argument}`;
    command.addOption(new Option(usage, about));
  }
  return command;
}

export function loadConfiguration(flags: ConfigFlags, { environment }: Pick<Context, 'environment'>): Loaded {
  const settings = SETTING_NAMES.flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [[name, String(value)]];
  });
  return loadConfig({
    ...(flags.config === undefined ? {} : { file: flags.config }),
    flags: Object.fromEntries(settings) as Settings,
    environment,
    // That of the cgroup.
    memoryLimit: memoryLimitOf(process.constrainedMemory()),
    ...FILTER_CHECKS,
  });
}

/** Prints what is wrong with a configuration, as a list that ends with how many there are. */
export function printProblems({ terminal }: Context, loaded: Loaded & { readonly ok: false }): void {
  const errors = loaded.problems.filter(({ level }) => level === 'error').length;
  terminal.complain(printableLines(formatProblems(loaded.problems)));
  terminal.complain(`${plural(errors, 'problem')}. Nothing was started.`);
}

export interface StateFlags {
  readonly config?: string;
  readonly stateDir?: string;
}

/** Adds the flags that say where the state directory is. */
export function addStateOptions(command: Command): Command {
  return command
    .option('--state-dir <path>', SETTINGS.stateDir.about)
    .option('-c, --config <file>', 'configuration file that names it');
}

/**
 * The state directory that is meant. A configuration is only asked for its `stateDirectory`: while somebody mends the
 * rest of it, the agent that still runs can be looked at.
 */
export function stateDirectoryOf(flags: StateFlags, { environment }: Pick<Context, 'environment'>): string {
  const named = flags.stateDir ?? environment[variableOf('stateDir')];
  if (named !== undefined && named !== '') return named;
  const file = flags.config ?? (environment['AUDITAIL_CONFIG'] || undefined);
  if (file === undefined && !existsSync(DEFAULT_CONFIG_FILE)) return DEFAULT_STATE_DIRECTORY;
  const read = readConfigFile(file ?? DEFAULT_CONFIG_FILE);
  if ('problem' in read) {
    throw new AuditailError('AUD_CONFIG', `${read.problem.place.text} ${read.problem.message}`, {
      hint: 'Say where the state directory is with --state-dir.',
    });
  }
  const directory = valueAt(parseDocument(file ?? DEFAULT_CONFIG_FILE, read.text).document?.value, ['stateDirectory']);
  return typeof directory === 'string' ? directory : DEFAULT_STATE_DIRECTORY;
}
