import type { FileFacts, FileKey } from './files.ts';
import type { BackupName } from './file-name.ts';
import type { Segment } from './segment.ts';

/** A name of a backup in the directory, and what is known of the file behind it. */
export class BackupEntry {
  readonly backup: BackupName;
  segment: Segment | null = null;
  key: FileKey | null = null;
  /** As stored; -1 where it has not been seen. */
  size = -1;
  /** Why it could not be opened, as told already; empty where it could. */
  trouble = '';
  /** When it was last looked at, and since when it has had this size: monotonic, ms. */
  #seenAt = 0;
  #sizeSince = Number.NaN;

  constructor(backup: BackupName) {
    this.backup = backup;
  }

  get seenAt(): number {
    return this.#seenAt;
  }

  /** Whether there may be something in it that nobody knows of, and nothing has been said. */
  get isUndecided(): boolean {
    return this.segment === null && this.size !== 0 && this.trouble === '';
  }

  note(facts: FileFacts, nowMs: number): void {
    this.#seenAt = nowMs;
    if (this.size !== facts.size) this.#sizeSince = nowMs;
    this.size = facts.size;
    this.key = facts;
    this.trouble = '';
  }

  /** Whether it was seen not to have grown for so long. */
  isStable(settleMs: number): boolean {
    return this.#seenAt - this.#sizeSince >= settleMs;
  }
}
