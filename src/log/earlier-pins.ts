import { GzipContent, PlainContent } from './content.ts';
import { openRegular, sameFile, type LogFiles } from './files.ts';
import { identify } from './identity.ts';
import type { Keeper } from './keeper.ts';
import type { Pins } from './pins.ts';
import type { Anomaly } from './reader.ts';
import type { SegmentList } from './segment-list.ts';

export interface PinnedLog {
  readonly files: LogFiles;
  readonly segments: SegmentList;
  readonly keeper: Keeper;
  readonly anomaly: Anomaly;
  /** Tells the instant in a backup's name. */
  readonly learn: (instantMs: number) => void;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** What could not be read is tried again so often. */
const RETRY_MS = 1000;

/** The files that an earlier run has pinned; those that nobody has to read any more are released later on. */
export class EarlierPins {
  readonly #pins: Pins;
  readonly #log: PinnedLog;
  #left: string[] = [];
  #told = new Set<string>();
  #triedAt = 0;

  constructor(pins: Pins, log: PinnedLog) {
    this.#pins = pins;
    this.#log = log;
  }

  async find(): Promise<void> {
    this.#left = await this.#pins.found();
    await this.#adoptAll();
    // A live file is pinned when it is first seen, before the backups that are older than it.
    this.#log.segments.orderByFirstEvent();
    this.#nameAll();
  }

  /** Tries again what could not be read so far. True where there is more to read than before. */
  async retry(): Promise<boolean> {
    if (this.#left.length === 0 || this.#log.now() - this.#triedAt < RETRY_MS) return false;
    const before = this.#left.length;
    await this.#adoptAll();
    this.#nameAll();
    return this.#left.length < before;
  }

  /** Once they stand in order: those that were backups already when they were pinned keep the names they had. */
  #nameAll(): void {
    for (const segment of this.#log.segments.all) {
      const { pin } = segment.places;
      const backup = pin === null || segment.instantMs !== null ? null : this.#pins.backupOf(pin);
      if (backup === null) continue;
      segment.name = backup.name;
      segment.instantMs = backup.instantMs;
      this.#log.learn(backup.instantMs);
    }
  }

  async #adoptAll(): Promise<void> {
    this.#triedAt = this.#log.now();
    for (const pin of this.#left.splice(0)) {
      try {
        if (!(await adopt(pin, this.#pins, this.#log))) this.#left.push(pin);
      } catch (error) {
        this.#left.push(pin);
        if (this.#told.has(pin)) continue;
        this.#told.add(pin);
        this.#log.anomaly('unreadable-pin', 'a pin of an earlier run cannot be read; it is tried again', {
          file: pin,
          reason: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }
}

/** False where it cannot be known yet what it is: a live file of which the first line is not complete. */
async function adopt(pin: string, pins: Pins, { files, segments, keeper }: PinnedLog): Promise<boolean> {
  const compressed = pin.endsWith('.gz');
  const { fd, facts } = await openRegular(files, pin);
  const content = compressed ? new GzipContent(files, fd) : new PlainContent(files, fd);
  try {
    // It may be the live file, of which the first line is not complete yet.
    const named = facts.links > 1 && facts.size > 0;
    const identity = await identify(content, !named);
    if (identity === null) {
      const same = segments.all.find(({ key }) => key !== null && sameFile(key, facts));
      if (same !== undefined) await keeper.usePin(same, pin);
      else if (!named) await pins.remove(pin);
      return same !== undefined || !named;
    }
    const known = await segments.match(identity, content, facts);
    const segment = known ?? (await segments.create(identity, content, 'a pinned file'));
    if (known === null) {
      segments.insertUnplaced(segment);
      segment.closed = true;
    }
    if (compressed) segment.gzipBytes = facts.size;
    else {
      segment.key = facts;
      segment.size = Math.max(segment.size, facts.size);
      segment.writtenMs = facts.mtimeMs;
    }
    await keeper.usePin(segment, pin);
    segments.markUnread(segment);
    keeper.touch();
    return true;
  } finally {
    await content.close();
    await files.close(fd);
  }
}
