import type { Backups } from './backups.ts';
import { secondsLeft, type WriteRate } from './deadline.ts';
import type { Pins } from './pins.ts';
import type { Retention } from './retention.ts';
import type { SegmentList } from './segment-list.ts';

export interface TimeLeftOptions {
  readonly segments: SegmentList;
  readonly backups: Backups;
  readonly pins: Pins | null;
  readonly retention: Retention;
  readonly rate: WriteRate;
  /** Bound on a spool, bytes; null where the log is none. */
  readonly spoolMaxBytes: number | null;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** How long a reader has before something that it has not settled is taken away. */
export class TimeLeft {
  readonly #options: TimeLeftOptions;

  constructor(options: TimeLeftOptions) {
    this.#options = options;
  }

  /** Seconds until the oldest segment that a reader has not settled is taken away; null where that cannot be known. */
  deadlineSeconds(reader: string): number | null {
    const { rate, backups } = this.#options;
    return this.#secondsLeft(reader, rate.bytesPerSecond, backups.limit);
  }

  /** What the log grows by, and the seconds after which a reader may lose something at the soonest: for pacing it. */
  pressure(reader: string): { readonly bytesPerSecond: number; readonly secondsLeft: number | null } {
    const { rate, now, backups, spoolMaxBytes } = this.#options;
    const bytesPerSecond = rate.at(now());
    if (spoolMaxBytes !== null)
      return { bytesPerSecond, secondsLeft: this.#secondsToFull(bytesPerSecond, spoolMaxBytes) };
    if (this.#hangsByDescriptor(reader)) return { bytesPerSecond, secondsLeft: 0 };
    // As long as the writer has not been seen to delete a backup, it may delete the oldest at its next rotation.
    return { bytesPerSecond, secondsLeft: this.#secondsLeft(reader, bytesPerSecond, backups.limit ?? backups.count) };
  }

  #oldestUnsettled(reader: string) {
    return this.#options.segments.all.find(({ unsettledBy, gone }) => gone === null && unsettledBy.has(reader));
  }

  /** Half full, a spool counts as full: its writer may be waiting, and write nothing for that. */
  #secondsToFull(bytesPerSecond: number, spoolMaxBytes: number): number | null {
    const bytes = this.#options.segments.all.reduce((sum, { gone, size }) => sum + (gone === null ? size : 0), 0);
    if (bytes * 2 >= spoolMaxBytes) return 0;
    return bytesPerSecond > 0 ? (spoolMaxBytes / 2 - bytes) / bytesPerSecond : null;
  }

  /** Whether a reader has not settled what goes with the agent: deleted, and not pinned. */
  #hangsByDescriptor(reader: string): boolean {
    const oldest = this.#oldestUnsettled(reader);
    if (oldest === undefined) return false;
    const { plain, gzip, pin } = oldest.places;
    return plain === null && gzip === null && pin === null;
  }

  #secondsLeft(reader: string, bytesPerSecond: number, backupLimit: number | null): number | null {
    const { segments, retention, pins } = this.#options;
    const { all, live } = segments;
    const oldest = this.#oldestUnsettled(reader);
    if (oldest === undefined || all.at(-1) === oldest) return null;
    const present = all.filter(({ places }) => places.plain !== null || places.gzip !== null);
    const retainedBytes = retention.retained(all).bytes;
    const pinned = pins !== null && pins.trouble === null;
    return secondsLeft({
      bytesPerSecond,
      segmentBytes: all.reduce((largest, { size }) => Math.max(largest, size), 0),
      liveBytes: live?.size ?? 0,
      backups: present.length - (live === null ? 0 : 1),
      backupLimit,
      olderBackups: present.includes(oldest) ? present.indexOf(oldest) : null,
      retainBytes: pinned ? retainedBytes + retention.leftBytes(retainedBytes) : 0,
      retainedBytes,
    });
  }
}
