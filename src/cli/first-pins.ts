import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfigFile } from '../config/config-file.ts';
import { parseDocument } from '../config/document.ts';
import { DEFAULT_MIN_FREE, parseFree } from '../config/quantity.ts';
import { DEFAULT_CONFIG_FILE, DEFAULT_STATE_DIRECTORY } from '../config/default-places.ts';
import { valueAt } from '../config/issues.ts';
import type { Config } from '../config/schema.ts';
import { SETTINGS, variableOf, type SettingName } from '../config/settings.ts';
import { LOG_FILES, type LogFiles } from '../log/files.ts';
import { type FirstPins as PinsOfLog, type FirstPinsOptions, pinFirst } from '../log/first-pins.ts';

/** Pins that are made before the program is loaded, and while it is. */
export interface FirstPins {
  /** Pins what has come last, and nothing more after that: from here on the agent pins what it follows. */
  finish(): Promise<void>;
  /**
   * An agent has started that takes care of those of the logs that it follows. The others are removed: it was guessed
   * wrong which ones these would be, and nobody would ever release what was pinned of them.
   */
  keep(config: Followed): Promise<void>;
  /** Removes them, unless they were to be kept. */
  end(): Promise<void>;
}

type Followed = Pick<Config, 'stateDirectory' | 'sources'>;

type Environment = Readonly<Record<string, string | undefined>>;

/** No file of the log goes so soon after it has come: rotations came as close as 310 ms. */
const AGAIN_MS = 50;
const COMMANDS = ['run', 'ship'];

/**
 * Pins unread files of the logs that the command line and the configuration name, before all that `run` and `ship` need
 * is loaded. It reads the configuration without checking it: what is wrong with it is said later, by those who check it.
 */
export async function firstPins(
  args: readonly string[],
  environment: Environment,
  files: LogFiles = LOG_FILES,
): Promise<FirstPins> {
  const pinned: { readonly log: FirstPinsOptions; readonly pins: PinsOfLog }[] = [];
  const [word] = args;
  if (word === undefined || word.startsWith('-') || COMMANDS.includes(word)) {
    for (const log of logsOf(args, environment)) {
      // Where it fails, the log itself says why a moment later: it tries the same.
      const pins = await pinFirst(files, log).catch(() => null);
      if (pins !== null) pinned.push({ log, pins });
    }
  }
  const again = async () => {
    // Where it fails, the log tells here, too.
    for (const { pins } of pinned) await pins.again().catch(() => undefined);
  };
  const loading = new AbortController();
  const repeating = repeat(again, loading.signal);
  let finished: Promise<void> | undefined;
  const stop = async (act: () => Promise<void>) => {
    loading.abort();
    await repeating;
    await act();
  };
  const finish = () => (finished ??= stop(again));
  return {
    finish,
    keep: async (config) => {
      await finish();
      for (const { log, pins } of pinned.splice(0)) if (!isFollowed(log, config)) await pins.removeAll();
    },
    end: async () => {
      await (finished ??= stop(async () => undefined));
      for (const { pins } of pinned.splice(0)) await pins.removeAll();
    },
  };
}

/** In between, parts of the program are loaded, and nothing else runs. */
async function repeat(again: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // The signal ends it early.
    await sleep(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
    if (!signal.aborted) await again();
  }
}

function isFollowed({ path, stateDirectory }: FirstPinsOptions, config: Followed): boolean {
  if (resolve(stateDirectory) !== resolve(config.stateDirectory)) return false;
  return config.sources.some((source) => {
    const isPinned = source.type === 'file' && source.format === 'json' && source.retain.pins !== 'off';
    return isPinned && resolve(source.path) === resolve(path);
  });
}

function logsOf(args: readonly string[], environment: Environment): readonly FirstPinsOptions[] {
  // A variable that is empty counts as one that is not set.
  const given = (name: SettingName) =>
    flagOf(args, SETTINGS[name].flag) ?? (environment[variableOf(name)] || undefined);
  const file =
    flagOf(args, '--config') ?? flagOf(args, '-c') ?? (environment['AUDITAIL_CONFIG'] || DEFAULT_CONFIG_FILE);
  // What comes through a pipe can be read once only.
  const read = isFile(file) ? readConfigFile(file) : null;
  const value = read === null || 'problem' in read ? undefined : parseDocument(file, read.text).document?.value;
  const named = given('stateDir') ?? valueAt(value, ['stateDirectory']);
  const stateDirectory = typeof named === 'string' ? named : DEFAULT_STATE_DIRECTORY;
  const sources = valueAt(value, ['sources']);
  const logs = [{ path: given('auditLogPath'), minFree: DEFAULT_MIN_FREE as unknown }];
  for (const source of Array.isArray(sources) ? sources : []) {
    const path: unknown = valueAt(source, ['path']);
    if (typeof path === 'string' && valueAt(source, ['retain', 'pins']) !== 'off')
      logs.push({ path, minFree: valueAt(source, ['retain', 'minFree']) ?? DEFAULT_MIN_FREE });
  }
  return logs.flatMap(({ path, minFree }) => {
    if (path === undefined || path === '') return [];
    const isRead = typeof minFree === 'string' || typeof minFree === 'number';
    return [{ path, stateDirectory, minFree: parseFree(isRead ? minFree : DEFAULT_MIN_FREE) }];
  });
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // It is not there, or may not be looked at: whoever loads the configuration says so.
    return false;
  }
}

function flagOf(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  if (at !== -1) return args[at + 1];
  return args.find((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
