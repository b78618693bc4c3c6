import { setTimeout as sleep } from 'node:timers/promises';
import { Backups } from './backups.ts';
import { WriteRate } from './deadline.ts';
import { missing, type LogFiles } from './files.ts';
import { LogNames } from './file-name.ts';
import { Keeper } from './keeper.ts';
import { EarlierPins } from './earlier-pins.ts';
import { LogHealth } from './log-health.ts';
import { pauseMs } from './pace.ts';
import type { WakeUp } from './wake-up.ts';
import { LiveFile } from './live-file.ts';
import { learnInstant } from './instants.ts';
import type { EventReference, Loss } from './loss.ts';
import type { MissedBackup } from './missed-names.ts';
import { Pins } from './pins.ts';
import { Pulse } from './pulse.ts';
import type { Anomaly, LogReader } from './reader.ts';
import { Retention, type RetentionLimits } from './retention.ts';
import { Serial } from '../serial.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { TimeLeft } from './time-left.ts';
import { describeUnreadable } from './unreadable.ts';

export type { MissedBackup } from './missed-names.ts';
export type { Anomaly, LogReader, Remembered } from './reader.ts';

export interface LogOptions {
  readonly name: string;
  readonly path: string;
  readonly files: LogFiles;
  readonly stateDirectory: string;
  readonly pins: boolean;
  readonly retention: RetentionLimits;
  /** Whether the agent itself writes this log: files are deleted once they are settled, and none can be missing. */
  readonly spool: boolean;
  /** Bound on such a log, bytes. */
  readonly spoolMaxBytes?: number;
  /** How many files may be kept open because they are unread. */
  readonly maxHeldFiles: number;
  /** How long a compressed backup must not have grown before it counts as complete, or as cut off, ms. */
  readonly gzipSettleMs?: number;
  /** Monotonic clock, ms; `performance.now` where not set. */
  readonly now?: () => number;
  /** Reads the reference of the event that a line is; `null` where it is none. */
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

const GZIP_SETTLE_MS = 5_000;

/**
 * The log: its segments, oldest first, the live one last. It finds them in the directory under whatever name they have
 * now, keeps the unread ones from vanishing, and tells readers when there may be more. It reads no events.
 */
export class Log {
  readonly name: string;
  readonly names: LogNames;
  readonly pulse = new Pulse();
  readonly isSpool: boolean;
  /** What never came into the log, as its source tells: readers record it as lost. Grows only. */
  readonly reported: Loss[] = [];
  /** Rotation instants known from names that were seen in this run, ascending: what continuity is judged by. */
  readonly instants: number[] = [];
  readonly retention: Retention;
  readonly rate = new WriteRate();

  /** `instants`, and those that readers remember: how often files are rotated. */
  readonly #rhythm: number[] = [];
  readonly #files: LogFiles;
  readonly #now: () => number;
  readonly #earlierPins: EarlierPins | null;
  readonly #segments: SegmentList;
  readonly #keeper: Keeper;
  readonly #backups: Backups;
  readonly #liveFile: LiveFile;
  readonly #health: LogHealth;
  readonly #timeLeft: TimeLeft;
  /** What changes the list of segments happens one after the other. */
  readonly #turns = new Serial();

  constructor(options: LogOptions) {
    const { name, files, path, stateDirectory, anomaly, spool, maxHeldFiles } = options;
    this.name = name;
    this.isSpool = spool;
    this.#files = files;
    const now = options.now ?? performance.now.bind(performance);
    this.#now = now;
    const names = new LogNames(path);
    this.names = names;
    this.#health = new LogHealth(names, anomaly);
    const pins = options.pins ? new Pins({ files, path, stateDirectory, now }) : null;
    this.retention = new Retention(options.retention, files, names.directory);
    const segments = new SegmentList(files, (line) => options.reference(line));
    this.#segments = segments;
    const keeper = new Keeper({ files, segments, pins, retention: this.retention, spool, maxHeldFiles, anomaly, now });
    this.#keeper = keeper;
    const { gzipSettleMs = GZIP_SETTLE_MS } = options;
    const learn = (instantMs: number) => {
      learnInstant(this.instants, instantMs);
      learnInstant(this.#rhythm, instantMs);
    };
    this.#earlierPins = pins === null ? null : new EarlierPins(pins, { files, segments, keeper, anomaly, learn, now });
    const backups = new Backups({ files, names, segments, keeper, anomaly, learn, gzipSettleMs, now });
    this.#backups = backups;
    const spoolMaxBytes = spool ? (options.spoolMaxBytes ?? Number.MAX_SAFE_INTEGER) : null;
    const { retention, rate } = this;
    this.#timeLeft = new TimeLeft({ segments, backups, pins, retention, rate, spoolMaxBytes, now });
    this.#liveFile = new LiveFile({ files, names, segments, keeper, backups, rate, anomaly, now });
  }

  get segments(): readonly Segment[] {
    return this.#segments.all;
  }

  get live(): Segment | null {
    return this.#segments.live;
  }

  /** Backups that were gone before they could be opened; readers record them as lost. */
  get missed(): readonly MissedBackup[] {
    return this.#backups.missed;
  }

  get readable(): boolean {
    return this.#health.readable;
  }

  /** What keeps the log from being followed; empty where nothing does. */
  get words(): string {
    return this.#health.words;
  }

  get rotations(): number {
    return this.#liveFile.rotations;
  }

  /** Goes up whenever there may be something to read, or to report, that was not there before. */
  get changes(): number {
    return this.#segments.version;
  }

  /** Whether the directory has been searched well enough to say that what has not been found is not there. */
  get searched(): boolean {
    return this.readable && this.#backups.looks >= 2 && !this.#backups.undecided;
  }

  /** Stands for a segment of an earlier run of which no file was found. */
  vanished(id: string, name: string): Segment {
    const segment = new Segment(this.#files, id, name, null);
    segment.gone = 'deleted';
    segment.closed = true;
    return segment;
  }

  /** Readers are there before the first look. `instants` are those it remembers. */
  register(reader: LogReader, instants: readonly number[]): void {
    this.#segments.addReader(reader);
    for (const instant of instants) learnInstant(this.#rhythm, instant);
  }

  /** Looks for pins of an earlier run, then at the directory. Throws nothing: `readable` and `words` tell. */
  async begin(): Promise<void> {
    await this.#turns.run(async () => this.#earlierPins?.find());
    await this.refresh(true);
  }

  /** Looks whether anything has changed, as cheaply as that can be known; wakes readers where it has. */
  refresh(thorough = false): Promise<boolean> {
    return this.#turns.run(() => this.#refresh(thorough));
  }

  /** A reader has settled a segment to its end. */
  async settled(segment: Segment, reader: string): Promise<void> {
    segment.unsettledBy.delete(reader);
    if (segment.unsettledBy.size > 0) return;
    // What is not released now is released at the next look, which tells what is in the way.
    this.#keeper.touch();
    await this.#turns.run(async () => {
      try {
        await this.#keeper.release(segment);
        this.#keeper.dispose([segment]);
      } catch (error) {
        await this.#tellFailure(error);
      }
    });
  }

  /** A reader found that the bytes before its offset are not those that it read. */
  async contentChanged(segment: Segment): Promise<void> {
    await this.#turns.run(async () => {
      await this.#liveFile.reidentify(segment);
      await this.#refresh(true);
      await this.#refresh(true);
    });
  }

  /** Whether a compressed file has stopped growing, so that its end is its end. */
  gzipStable(segment: Segment): boolean {
    return this.#backups.gzipStable(segment);
  }

  /** The segment that stands before one in the log. */
  previousOf(segment: Segment): Segment | null {
    return this.#segments.previousOf(segment);
  }

  /** Seconds until the oldest segment that a reader has not settled is taken away; null where that cannot be known. */
  deadlineSeconds(reader: string): number | null {
    return this.#timeLeft.deadlineSeconds(reader);
  }

  /** What the log grows by, and the seconds after which a reader may lose something at the soonest: for pacing it. */
  pressure(reader: string): { readonly bytesPerSecond: number; readonly secondsLeft: number | null } {
    return this.#timeLeft.pressure(reader);
  }

  /** Lets the oldest file of a spool go although it is not settled. False where there is none but the live one. */
  dropOldest(): Promise<boolean> {
    return this.#turns.run(async () => {
      const oldest = this.segments.find((segment) => segment !== this.live && segment.gone === null);
      if (oldest === undefined) return false;
      oldest.gone = 'spool-full';
      this.#segments.changed();
      await this.#keeper.release(oldest);
      this.pulse.beat();
      return true;
    });
  }

  /** Gives every descriptor back. Pins of what is unread stay. */
  async close(): Promise<void> {
    await this.#turns.run(async () => {
      // One that cannot be closed does not keep the others open.
      const results = await Promise.allSettled([this.#keeper.letAllGo(), this.#liveFile.close()]);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    });
  }

  /** Runs until the signal: looks often while the log grows, and seldom, woken by `wake`, while it does not. */
  async follow(
    signal: AbortSignal,
    pace: { activeMs: number; idleMs: number; quietMs: number; wake: WakeUp },
  ): Promise<void> {
    let grewAt = this.#now();
    while (!signal.aborted) {
      if (await this.refresh()) grewAt = this.#now();
      if (this.#now() - grewAt > pace.quietMs) await pace.wake.wait(pace.idleMs, signal);
      else {
        pace.wake.disarm();
        await sleep(this.#pauseMs(pace.activeMs), undefined, { signal }).then(undefined, ignoreAbort);
      }
    }
    pace.wake.disarm();
  }

  #pauseMs(activeMs: number): number {
    return pauseMs({ activeMs, instants: this.#rhythm, backups: this.#backups.limit ?? this.#backups.count });
  }

  async #refresh(thorough: boolean): Promise<boolean> {
    let changed = false;
    let failure: unknown = null;
    const attempt = async (act: () => Promise<boolean>) => {
      try {
        changed = (await act()) || changed;
      } catch (error) {
        failure ??= error;
      }
    };
    await attempt(() => this.#liveFile.look());
    await attempt(() => this.#lookAtDirectory(thorough));
    await attempt(async () => (await this.#earlierPins?.retry()) ?? false);
    await attempt(() => this.#keeper.keep(this.#backups.looks));
    if (failure === null) {
      this.#health.works(this.isSpool || this.#liveFile.present || this.segments.length > 0);
    } else await this.#tellFailure(failure);
    if (changed) this.pulse.beat();
    return changed;
  }

  async #tellFailure(error: unknown): Promise<void> {
    this.#health.fails(await describeUnreadable(error, this.#files, this.names.directory));
  }

  async #lookAtDirectory(thorough: boolean): Promise<boolean> {
    const facts = await this.#files.factsOf(this.names.directory);
    // The agent makes its spool itself, a moment after it has begun to look there.
    if (facts === null && this.isSpool) return false;
    if (facts === null) throw missing(this.names.directory);
    const look = thorough || this.#keeper.searching || this.#backups.isDue(facts.mtimeMs);
    const changed = look && (await this.#backups.look(facts.mtimeMs));
    return (await this.#backups.recheck()) || changed;
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
}
