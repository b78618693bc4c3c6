import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { LogNames } from './file-name.ts';
import { codeOf, isMissing, sameFile, type FileKey, type LogFiles } from './files.ts';

/** Why pins cannot be had; the agent goes on with open descriptors alone. */
export type PinTrouble = { readonly code: string; readonly words: string };

export interface PinsOptions {
  readonly files: LogFiles;
  /** The live file. */
  readonly path: string;
  readonly stateDirectory: string;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** What failed may have been mended (a full disk, a mount that was read-only): it is tried again so often. */
const RETRY_MS = 60_000;
/** The number of the pin; and of a backup the instant in its name, ms, since the name goes with the file. */
const PIN = /^\d{12}(?:-(\d{1,15}))?(?:\.log|\.gz)$/;
const OTHERS_MAY_WRITE = 0o022;

/**
 * Hard links to unread files in `<log directory>/.auditail/<agent>/`: they keep the bytes when the writer deletes its
 * backup, also over a restart of the agent. They must lie inside the log's own mount, because a link across mounts
 * fails even on one filesystem. `<agent>` follows from the paths of the state directory and of the log, so that an
 * agent finds its own again, and neither two agents on one log nor two logs of one agent touch each other's.
 *
 * Whoever may write to the log's directory could put something else in the place of `.auditail`. Before each use both
 * directories must be real ones, of this user or root, that nobody else may write to.
 */
export class Pins {
  readonly directory: string;
  readonly #names: LogNames;
  readonly #files: LogFiles;
  readonly #now: () => number;
  readonly #doomed = new Set<string>();
  #sequence = 0;
  #trouble: PinTrouble | null = null;
  #troubleAt = 0;

  constructor({ files, path, stateDirectory, now }: PinsOptions) {
    this.#names = new LogNames(path);
    this.#files = files;
    this.#now = now;
    const agent = createHash('sha256')
      .update(`${resolve(stateDirectory)}\n${resolve(path)}`)
      .digest('hex')
      .slice(0, 12);
    this.directory = join(dirname(path), '.auditail', agent);
  }

  get trouble(): PinTrouble | null {
    return this.#trouble;
  }

  /** Whether it is worth trying. */
  get usable(): boolean {
    return this.#trouble === null || this.#now() - this.#troubleAt >= RETRY_MS;
  }

  /** Whether something is left that could not be removed. */
  get untidy(): boolean {
    return this.#doomed.size > 0;
  }

  /** The name that a pinned file had as a backup; null where it was pinned under the live name. */
  backupOf(pin: string): { readonly name: string; readonly instantMs: number } | null {
    const digits = PIN.exec(basename(pin))?.[1];
    if (digits === undefined) return null;
    const instantMs = Number(digits);
    return { name: `${this.#names.backup(instantMs)}${pin.endsWith('.gz') ? '.gz' : ''}`, instantMs };
  }

  /** Pins of an earlier run, oldest first. */
  async found(): Promise<string[]> {
    try {
      if (!(await this.#isOurs())) return [];
      const names = (await this.#files.list(this.directory)).filter((name) => PIN.test(name)).sort();
      const last = names.at(-1);
      if (last !== undefined) this.#sequence = Number.parseInt(last, 10) + 1;
      const pins: string[] = [];
      for (const name of names) {
        const pin = join(this.directory, name);
        if ((await this.#files.factsOfName(pin))?.kind === 'file') pins.push(pin);
      }
      return pins;
    } catch (error) {
      this.#fail(error);
      return [];
    }
  }

  /**
   * Links a file that must be the one named by `key`; gives the pin's path, or `null` where that cannot be done now (the
   * name has passed to another file, or `trouble` says why).
   */
  async add(path: string, key: FileKey, compressed: boolean): Promise<string | null> {
    if (!this.usable) return null;
    try {
      if (!(await this.#isOurs())) await this.#make();
      const pin = await this.#link(path, compressed);
      if (pin === null) return null;
      const facts = await this.#files.factsOfName(pin);
      this.#trouble = null;
      if (facts?.kind === 'file' && sameFile(facts, key)) return pin;
      await this.remove(pin);
      return null;
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  /** What cannot be removed now is removed later, by `tidy`. */
  async remove(pin: string): Promise<void> {
    this.#doomed.add(pin);
    await this.tidy();
  }

  async tidy(): Promise<void> {
    for (const pin of this.#doomed) {
      try {
        if (await this.#isOurs()) await this.#files.unlink(pin);
      } catch (error) {
        if (!isMissing(error)) {
          this.#fail(error);
          return;
        }
      }
      this.#doomed.delete(pin);
    }
  }

  /** Gives the pin's path; `null` where the file has gone meanwhile. */
  async #link(path: string, compressed: boolean): Promise<string | null> {
    const instantMs = this.#names.parse(basename(path))?.instantMs;
    const tail = `${instantMs === undefined ? '' : `-${instantMs}`}${compressed ? '.gz' : '.log'}`;
    while (true) {
      const pin = join(this.directory, `${String(this.#sequence).padStart(12, '0')}${tail}`);
      this.#sequence += 1;
      try {
        await this.#files.link(path, pin);
        return pin;
      } catch (error) {
        if (isMissing(error)) return null;
        // Left by a run whose pins could not be listed.
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  async #make(): Promise<void> {
    await this.#files.makeDirectory(dirname(this.directory));
    await this.#isOurs();
    await this.#files.makeDirectory(this.directory);
    await this.#isOurs();
  }

  /** False where they are not there yet. Throws where something else stands there. */
  async #isOurs(): Promise<boolean> {
    for (const path of [dirname(this.directory), this.directory]) {
      const facts = await this.#files.factsOfName(path);
      if (facts === null) return false;
      if (facts.kind !== 'directory') throw new Error(`${path} is no directory: something else was put in its place`);
      const owners = [0, process.geteuid?.() ?? 0];
      if (!owners.includes(facts.uid)) throw new Error(`${path} belongs to uid ${facts.uid}, who could tamper with it`);
      if ((facts.mode & OTHERS_MAY_WRITE) !== 0)
        throw new Error(`${path} has mode 0${facts.mode.toString(8)}: others may write to it`);
    }
    return true;
  }

  #fail(error: unknown): void {
    this.#trouble = { code: codeOf(error), words: error instanceof Error ? error.message : String(error) };
    this.#troubleAt = this.#now();
  }
}
