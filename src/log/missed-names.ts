import type { BackupName } from './file-name.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

/** A backup whose name was seen, and which was gone before it could be opened. */
export interface MissedBackup {
  readonly name: string;
  readonly instantMs: number;
  /** `suspected` where it may have been the name of a file that is kept, and nothing tells. */
  readonly proof: 'certain' | 'suspected';
}

/** The file that is renamed was written to last in the moment before: a rotation happens inside a write. */
const LEAD_MS = 50;
/** The file system's clock stands still for a tick, and names carry whole milliseconds. */
const LAG_MS = 20;

/** Names of backups that could not be opened: each belongs to a file that is held already, or to one that nobody will ever read. */
export class MissedNames {
  readonly missed: MissedBackup[] = [];
  readonly #segments: SegmentList;
  /** The segment that has a name (given without `.gz`) by now. */
  readonly #segmentOf: (stem: string) => unknown;
  readonly #learn: (instantMs: number) => void;
  readonly #waiting = new Map<string, Waiting>();

  /** `learn`: tells the instant in the name of a file that is not missed after all. That of one that is proves no join. */
  constructor(segments: SegmentList, segmentOf: (stem: string) => unknown, learn: (instantMs: number) => void) {
    this.#segments = segments;
    this.#segmentOf = segmentOf;
    this.#learn = learn;
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
    const nameless = this.#segments.all.filter((segment) => this.#isNameless(segment));
    for (const [stem, waiting] of [...this.#waiting].sort(([, a], [, b]) => a.backup.instantMs - b.backup.instantMs)) {
      const { backup } = waiting;
      if (this.#segmentOf(stem) === null) {
        // A file that is being renamed or compressed can escape one look.
        if (waiting.look === look) continue;
        if (present.has(stem) || present.has(`${stem}.gz`)) {
          waiting.listedAgain = true;
          continue;
        }
        const { name, instantMs } = backup;
        if (this.#isKept(instantMs)) {
          this.#waiting.delete(stem);
          continue;
        }
        const owner = this.#ownerOf(instantMs, nameless);
        if (owner === undefined) {
          const possible = nameless.some(({ writtenMs }) => writtenMs === null || writtenMs <= instantMs + LAG_MS);
          this.missed.push({ name, instantMs, proof: possible ? 'suspected' : 'certain' });
        } else {
          nameless.splice(nameless.indexOf(owner), 1);
          owner.name = backup.name;
          owner.instantMs = backup.instantMs;
          owner.awaitsName = false;
          this.#learn(instantMs);
        }
      }
      this.#waiting.delete(stem);
    }
  }

  /** Whether a file is kept that was pinned under that name. */
  #isKept(instantMs: number): boolean {
    return this.#segments.all.some((segment) => segment.instantMs === instantMs && segment.gone === null);
  }

  /** Whether a file that was rotated is kept by a pin or a descriptor alone, and its name is not known. */
  #isNameless(segment: Segment): boolean {
    const { gone, instantMs, places } = segment;
    if (segment === this.#segments.live || gone !== null || instantMs !== null) return false;
    return segment.awaitsName || (places.plain === null && places.gzip === null);
  }

  /** The one that ended at that instant; or the oldest that was followed to its end, with no other file behind it. */
  #ownerOf(instantMs: number, nameless: readonly Segment[]): Segment | undefined {
    const ended = nameless.find(
      ({ writtenMs }) =>
        writtenMs !== null && writtenMs >= instantMs - LEAD_MS && Math.floor(writtenMs) <= instantMs + LAG_MS,
    );
    return ended ?? nameless.find((segment) => segment.awaitsName && this.#wasFollowedOn(segment));
  }

  #wasFollowedOn(segment: Segment): boolean {
    const { all } = this.#segments;
    const next = all[all.indexOf(segment) + 1];
    return next?.chained === true || next?.watched === true;
  }
}

interface Waiting {
  readonly backup: BackupName;
  readonly look: number;
  /** A link that leads nowhere keeps its name in the directory: it is tried again like any other. */
  listedAgain: boolean;
}
