import fs from 'node:fs/promises';
import { systemCode } from '../errors.ts';

/**
 * What tells one state of some files from the next: which file each is, behind any links, and when it was last touched. A
 * ConfigMap changes by a symbolic link that leads to another file from one moment to the next.
 */
export async function signatureOf(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(files.map(partOf));
  return parts.join('\n');
}

async function partOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await fs.stat(file, { bigint: true });
    return [file, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    // Not there, or not to be read: a state like any other, which the reading of it explains.
    return `${file} ${systemCode(error)}`;
  }
}

/** Notices that files have changed, once they have stopped changing: a file is not read while an editor writes it. */
export class WatchedFiles {
  #files: readonly string[];
  #known: string;
  #seen: string;

  private constructor(files: readonly string[], signature: string) {
    this.#files = files;
    this.#known = signature;
    this.#seen = signature;
  }

  static async of(files: readonly string[]): Promise<WatchedFiles> {
    return new WatchedFiles(files, await signatureOf(files));
  }

  /** Looks at the files; true where they are not as they were last taken, and the same as at the look before. */
  async haveChanged(): Promise<boolean> {
    const now = await signatureOf(this.#files);
    const rests = now === this.#seen;
    this.#seen = now;
    return rests && now !== this.#known;
  }

  /** They are about to be read: what they are now counts as known. */
  async take(): Promise<void> {
    this.#known = await signatureOf(this.#files);
    this.#seen = this.#known;
  }

  /** Other files are to be watched; those that are new count as they are now. */
  async watch(files: readonly string[]): Promise<void> {
    if (files.join('\n') === this.#files.join('\n')) return;
    this.#files = files;
    await this.take();
  }
}
