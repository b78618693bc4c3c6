import { statSync } from 'node:fs';
import { readConfigFile } from '../config/config-file.ts';
import { parseDocument } from '../config/document.ts';
import { DEFAULT_CONFIG_FILE, DEFAULT_STATE_DIRECTORY } from '../config/default-places.ts';
import { valueAt } from '../config/issues.ts';
import { SETTINGS, variableOf, type SettingName } from '../config/settings.ts';
import { LOG_FILES } from '../log/files.ts';
import { pinFirst } from '../log/first-pins.ts';

/** Pins that were made before the program was loaded. */
export interface FirstPins {
  /** An agent has started that takes care of them. */
  keep(): void;
  /** Removes them, unless they were to be kept. */
  end(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const COMMANDS = ['run', 'ship'];

/**
 * Pins unread files of the logs that the command line and the configuration name, before all that `run` and `ship` need
 * is loaded. It reads the configuration without checking it: what is wrong with it is said later, by those who check it.
 */
export async function firstPins(args: readonly string[], environment: Environment): Promise<FirstPins> {
  const undo: (() => Promise<void>)[] = [];
  const [word] = args;
  if (word === undefined || word.startsWith('-') || COMMANDS.includes(word)) {
    for (const log of logsOf(args, environment)) {
      // Where it fails, the log itself says why a moment later: it tries the same.
      const removeAll = await pinFirst(LOG_FILES, log).catch(() => null);
      if (removeAll !== null) undo.push(removeAll);
    }
  }
  return {
    keep: () => void undo.splice(0),
    end: async () => {
      for (const removeAll of undo.splice(0)) await removeAll();
    },
  };
}

function logsOf(
  args: readonly string[],
  environment: Environment,
): readonly { readonly path: string; readonly stateDirectory: string }[] {
  const given = (name: SettingName) => flagOf(args, SETTINGS[name].flag) ?? environment[variableOf(name)];
  const file =
    flagOf(args, '--config') ?? flagOf(args, '-c') ?? (environment['AUDITAIL_CONFIG'] || DEFAULT_CONFIG_FILE);
  // What comes through a pipe can be read once only.
  const read = statSync(file, { throwIfNoEntry: false })?.isFile() === true ? readConfigFile(file) : null;
  const value = read === null || 'problem' in read ? undefined : parseDocument(file, read.text).document?.value;
  const named = given('stateDir') ?? valueAt(value, ['stateDirectory']);
  const stateDirectory = typeof named === 'string' ? named : DEFAULT_STATE_DIRECTORY;
  const sources = valueAt(value, ['sources']);
  const paths = [given('auditLogPath')];
  for (const source of Array.isArray(sources) ? sources : []) {
    const path: unknown = valueAt(source, ['path']);
    if (typeof path === 'string' && valueAt(source, ['retain', 'pins']) !== 'off') paths.push(path);
  }
  return paths.flatMap((path) => (path === undefined || path === '' ? [] : [{ path, stateDirectory }]));
}

function flagOf(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  if (at !== -1) return args[at + 1];
  return args.find((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
