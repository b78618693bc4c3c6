import type { BackupName } from './file-name.ts';

/** How many backups the writer keeps: its flag cannot be seen from outside, its deletions can. */
export class BackupLimit {
  #value: number | null = null;

  /** `null` until the writer has been seen to delete one. */
  get value(): number | null {
    return this.#value;
  }

  /**
   * After a deletion, what is left is what the writer leaves. Where more come to stand there (but for the one that is
   * too many right after a rotation), it was somebody else who deleted.
   */
  learn(before: ReadonlyMap<string, unknown>, now: ReadonlyMap<string, BackupName>): void {
    const count = new Set([...now.values()].map(({ stem }) => stem)).size;
    const deleted = [...before.keys()].some((name) => !now.has(name) && !now.has(`${name}.gz`));
    if (deleted) this.#value = count;
    else if (this.#value !== null && count > this.#value + 1) this.#value = null;
  }
}
