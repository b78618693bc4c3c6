import type { BackupName } from './file-name.ts';
import type { SegmentList } from './segment-list.ts';

/** A backup whose name was seen, and which was gone before it could be opened. */
export interface MissedBackup {
  readonly name: string;
  readonly instantMs: number;
}

/** Names of backups that could not be opened: each belongs to a file that is held already, or to one that nobody will ever read. */
export class MissedNames {
  readonly missed: MissedBackup[] = [];
  readonly #segments: SegmentList;
  /** The segment that has a name (given without `.gz`) by now. */
  readonly #segmentOf: (stem: string) => unknown;
  readonly #waiting = new Map<string, Waiting>();

  constructor(segments: SegmentList, segmentOf: (stem: string) => unknown) {
    this.#segments = segments;
    this.#segmentOf = segmentOf;
  }

  /** Whether another look at the directory is needed to know. */
  get waiting(): boolean {
    for (const { listedAgain } of this.#waiting.values()) if (!listedAgain) return true;
    return false;
  }

  /** `look` is the number of the look at the directory in which it was found out. */
  unopened(backup: BackupName, look: number): void {
    if (!this.#waiting.has(backup.stem)) this.#waiting.set(backup.stem, { backup, look, listedAgain: false });
  }

  /** After a look at the directory: what it has shown. */
  settle(look: number, present: ReadonlyMap<string, BackupName>): void {
    if (this.#waiting.size === 0) return;
    const nameless = this.#segments.all.filter((segment) => segment.awaitsName && segment.gone === null);
    for (const [stem, waiting] of [...this.#waiting].sort(([, a], [, b]) => a.backup.instantMs - b.backup.instantMs)) {
      const { backup } = waiting;
      if (this.#segmentOf(stem) === null) {
        // A file that is being renamed or compressed can escape one look.
        if (waiting.look === look) continue;
        if (present.has(stem) || present.has(`${stem}.gz`)) {
          waiting.listedAgain = true;
          continue;
        }
        const owner = nameless.shift();
        if (owner === undefined) this.missed.push({ name: backup.name, instantMs: backup.instantMs });
        else {
          owner.name = backup.name;
          owner.instantMs = backup.instantMs;
          owner.awaitsName = false;
        }
      }
      this.#waiting.delete(stem);
    }
  }
}

interface Waiting {
  readonly backup: BackupName;
  readonly look: number;
  /** A link that leads nowhere keeps its name in the directory: it is tried again like any other. */
  listedAgain: boolean;
}
