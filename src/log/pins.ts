import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isMissing, sameFile, type FileKey, type LogFiles } from './files.ts';

/** Why pins cannot be had; the agent goes on with open descriptors alone. */
export type PinTrouble = { readonly code: string; readonly words: string };

/**
 * Hard links to unread files in `<log directory>/.auditail/<agent>/`: they keep the bytes when the writer deletes its
 * backup, also over a restart of the agent. They must lie inside the log's own mount, because a link across mounts
 * fails even on one filesystem. `<agent>` follows from the path of the state directory, so that an agent finds its own
 * again, and two agents on one log do not touch each other's.
 */
export class Pins {
  readonly directory: string;
  readonly #files: LogFiles;
  #sequence = 0;
  #trouble: PinTrouble | null = null;

  constructor(files: LogFiles, logDirectory: string, stateDirectory: string) {
    this.#files = files;
    const agent = createHash('sha256').update(stateDirectory).digest('hex').slice(0, 12);
    this.directory = join(logDirectory, '.auditail', agent);
  }

  get trouble(): PinTrouble | null {
    return this.#trouble;
  }

  /** Pins of an earlier run, oldest first. */
  async found(): Promise<string[]> {
    try {
      const names = await this.#files.list(this.directory);
      const own = names.filter((name) => /^\d{12}(\.log|\.gz)$/.test(name)).sort();
      this.#sequence = own.length === 0 ? 0 : Number.parseInt(own[own.length - 1] as string, 10) + 1;
      return own.map((name) => join(this.directory, name));
    } catch (error) {
      if (isMissing(error)) return [];
      this.#fail(error);
      return [];
    }
  }

  /**
   * Links a file that must be the one named by `key`; gives the pin's path, or `null` where that cannot be done now (the
   * name has passed to another file) or ever (`trouble` says why).
   */
  async add(path: string, key: FileKey, compressed: boolean): Promise<string | null> {
    if (this.#trouble !== null) return null;
    const pin = join(this.directory, `${String(this.#sequence).padStart(12, '0')}${compressed ? '.gz' : '.log'}`);
    this.#sequence += 1;
    try {
      if (!(await this.#link(path, pin))) return null;
      const facts = await this.#files.factsOf(pin);
      if (facts !== null && sameFile(facts, key)) return pin;
      await this.remove(pin);
      return null;
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  async remove(pin: string): Promise<void> {
    try {
      await this.#files.unlink(pin);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** False where the file has gone meanwhile. */
  async #link(path: string, pin: string): Promise<boolean> {
    try {
      await this.#files.link(path, pin);
      return true;
    } catch (error) {
      if (!isMissing(error)) throw error;
      // Either the log file is gone or the directory of the pins is not there yet.
      await this.#files.makeDirectory(this.directory);
      try {
        await this.#files.link(path, pin);
        return true;
      } catch (again) {
        if (isMissing(again)) return false;
        throw again;
      }
    }
  }

  #fail(error: unknown): void {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
    this.#trouble = { code, words: error instanceof Error ? error.message : String(error) };
  }
}
