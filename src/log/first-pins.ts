import { LogNames } from './file-name.ts';
import type { LogFiles } from './files.ts';
import { Pins } from './pins.ts';
import { missingSpace, type RetentionLimits } from './retention.ts';

export interface FirstPinsOptions {
  /** The live file. */
  readonly path: string;
  readonly stateDirectory: string;
  readonly minFree: RetentionLimits['minFree'];
}

/** The writer deletes the oldest first: so many of them at most are pinned at once. */
const MAX_OLDEST = 64;

/** Pins that were made before there was a log that knows of them. */
export interface FirstPins {
  /** Pins what has come since: files rotate while a program is loaded. */
  again(): Promise<void>;
  /** Removes them again, should the agent not start. */
  removeAll(): Promise<void>;
}

/**
 * Pins the live file and the oldest backups, as far as an earlier run has not: before anything else, since a start
 * takes a few hundred milliseconds, in which files can go. Only where an earlier run has left its directory of pins; the
 * log then finds them there as it finds those of an earlier run, and releases what nobody has to read. None is made where
 * the disk is so full that the log would let files go: an agent that dies at each start would fill it up.
 */
export async function pinFirst(
  files: LogFiles,
  { path, stateDirectory, minFree }: FirstPinsOptions,
): Promise<FirstPins> {
  const names = new LogNames(path);
  const pins = new Pins({ files, path, stateDirectory, now: () => performance.now() });
  const made: string[] = [];
  const pinned = new Set<bigint>();
  const again = async () => {
    if ((await missingSpace(files, names.directory, minFree)) > 0) return;
    const backups = (await files.list(names.directory)).flatMap((name) => names.parse(name) ?? []);
    const oldest = backups.sort((a, b) => a.instantMs - b.instantMs).slice(0, MAX_OLDEST);
    for (const { name, compressed } of [...oldest, { name: names.live, compressed: false }]) {
      // Of one that cannot be looked at (a link that leads to itself), the log tells: the others are pinned all the same.
      const facts = await files.factsOf(names.path(name)).catch(() => null);
      if (facts?.regular !== true || pinned.has(facts.ino)) continue;
      const pin = await pins.add(names.path(name), facts, compressed);
      if (pin === null) continue;
      made.push(pin);
      pinned.add(facts.ino);
    }
  };
  const removeAll = async () => {
    for (const pin of made.splice(0)) await pins.remove(pin);
  };
  if ((await files.factsOfName(pins.directory)) === null) return { again: async () => undefined, removeAll };
  for (const pin of await pins.found()) pinned.add((await files.factsOfName(pin))?.ino ?? 0n);
  await again();
  return { again, removeAll };
}
