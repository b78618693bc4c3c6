import { BackupEntry } from './backup-entry.ts';
import { BackupLimit } from './backup-limit.ts';
import { GzipContent, PlainContent } from './content.ts';
import { codeOf, isMissing, openRegular, sameFile, type FileFacts, type LogFiles } from './files.ts';
import type { BackupName, LogNames } from './file-name.ts';
import { identify, identifyByName } from './identity.ts';
import type { Keeper } from './keeper.ts';
import { MissedNames } from './missed-names.ts';
import type { Anomaly } from './reader.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface BackupsOptions {
  readonly files: LogFiles;
  readonly names: LogNames;
  readonly segments: SegmentList;
  readonly keeper: Keeper;
  readonly anomaly: Anomaly;
  /** Tells the instant in a backup's name. */
  readonly learn: (instantMs: number) => void;
  /** How long a compressed backup must not have grown before it counts as complete, or as cut off. */
  readonly gzipSettleMs: number;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** Settled files are looked at again so often, whether they have grown: the newest, and as many of the others. */
const RECHECK_MS = 30_000;
const RECHECK_FILES = 100;
/** Two changes of a directory within one tick of the kernel's clock leave one time stamp: a last look comes so much later. */
const MTIME_GRAIN_MS = 50;
/** What could not be opened or identified is tried again so often. */
const RETRY_MS = 1000;

/** The backups in the log's directory, under whatever names, and which segments they are. */
export class Backups {
  readonly #options: BackupsOptions;
  readonly #entries = new Map<string, BackupEntry>();
  /** Compressed files that a reader has come to the end of. */
  readonly #watched = new Set<BackupEntry>();
  readonly #missed: MissedNames;
  readonly #limit = new BackupLimit();
  #looks = 0;
  #mtime = Number.NaN;
  #lookAgainAt: number | null = 0;
  #recheckedAt: number;
  #rechecked = 0;

  constructor(options: BackupsOptions) {
    this.#options = options;
    this.#missed = new MissedNames(options.segments, (name) => this.#segmentOf(name), options.learn);
    this.#recheckedAt = options.now();
  }

  /** How often the directory has been read. */
  get looks(): number {
    return this.#looks;
  }

  /** How many backups the writer leaves, once it has been seen to delete one. */
  get limit(): number | null {
    return this.#limit.value;
  }

  /** How many names of backups stand in the directory. */
  get count(): number {
    return this.#entries.size;
  }

  /** Backups that were gone before they could be opened. */
  get missed(): MissedNames['missed'] {
    return this.#missed.missed;
  }

  /** Whether the directory has to be read, given when it was last changed. */
  isDue(mtimeMs: number): boolean {
    if (mtimeMs !== this.#mtime || this.#missed.waiting) return true;
    return this.#lookAgainAt !== null && this.#options.now() >= this.#lookAgainAt;
  }

  /** Stems of backups that stand in the directory and have not been met. */
  async fresh(): Promise<readonly string[]> {
    const stems = new Set<string>();
    for (const name of await this.#options.files.list(this.#options.names.directory)) {
      const stem = this.#options.names.parse(name)?.stem;
      if (stem !== undefined && !this.#entries.has(stem) && !this.#entries.has(`${stem}.gz`)) stems.add(stem);
    }
    return [...stems];
  }

  /** Reads the directory. True where there is more to read than before. */
  async look(mtimeMs: number): Promise<boolean> {
    const { files, names, now } = this.#options;
    const present = new Map<string, BackupName>();
    for (const name of await files.list(names.directory)) {
      const backup = this.#entries.get(name)?.backup ?? names.parse(name);
      if (backup !== null) present.set(name, backup);
    }
    this.#looks += 1;
    if (mtimeMs !== this.#mtime) this.#lookAgainAt = now() + MTIME_GRAIN_MS;
    else if (now() >= (this.#lookAgainAt ?? 0)) this.#lookAgainAt = null;
    this.#mtime = mtimeMs;
    this.#limit.learn(this.#entries, present);
    let changed = false;
    const fresh = [...present.values()].filter(({ name }) => this.#entries.get(name)?.segment == null);
    fresh.sort((a, b) => a.instantMs - b.instantMs || Number(a.compressed) - Number(b.compressed));
    for (const backup of fresh) changed = (await this.#tryToMeet(backup)) || changed;
    for (const [name, entry] of this.#entries) {
      if (!present.has(name)) changed = this.#forget(name, entry) || changed;
    }
    this.#missed.settle(this.#looks, present);
    return changed;
  }

  /** Whether there are names of which it is not known yet what stands behind them. */
  get undecided(): boolean {
    return [...this.#entries.values()].some((entry) => entry.isUndecided);
  }

  /** Looks now and then whether files that were closed have grown, and often at those that somebody waits for. */
  async recheck(): Promise<boolean> {
    const { now } = this.#options;
    for (const entry of this.#watched) {
      const present = this.#entries.get(entry.backup.name) === entry;
      if (!present || entry.isStable(this.#options.gzipSettleMs)) this.#watched.delete(entry);
      else if (now() - entry.seenAt >= RETRY_MS) await this.#recheck(entry);
    }
    if (now() - this.#recheckedAt < RECHECK_MS) return false;
    this.#recheckedAt = now();
    const entries = [...this.#entries.values()];
    const older = entries.splice(0, Math.max(0, entries.length - RECHECK_FILES));
    const from = this.#rechecked < older.length ? this.#rechecked : 0;
    this.#rechecked = from + RECHECK_FILES;
    let changed = false;
    for (const entry of [...older.slice(from, from + RECHECK_FILES), ...entries])
      changed = (await this.#recheck(entry)) || changed;
    return changed;
  }

  /** Whether a segment's compressed file has stopped growing, so that its end is its end. */
  gzipStable(segment: Segment): boolean {
    const entry = [...this.#entries.values()].find((some) => some.segment === segment && some.backup.compressed);
    if (entry === undefined || entry.isStable(this.#options.gzipSettleMs)) return true;
    this.#watched.add(entry);
    return false;
  }

  #segmentOf(stem: string): Segment | null {
    return this.#entries.get(stem)?.segment ?? this.#entries.get(`${stem}.gz`)?.segment ?? null;
  }

  /** A backup that cannot be opened is told of and tried again; it does not keep the others from being read. */
  async #tryToMeet(backup: BackupName): Promise<boolean> {
    const { learn, anomaly, names } = this.#options;
    try {
      if (await this.#meet(backup)) return true;
      this.#retry();
      return false;
    } catch (error) {
      const entry = this.#entry(backup);
      this.#retry();
      if (isMissing(error)) {
        entry.trouble = 'ENOENT';
        this.#missed.unopened(backup, this.#looks);
        return false;
      }
      learn(backup.instantMs);
      const trouble = codeOf(error) || (error instanceof Error ? error.name : '');
      if (entry.trouble !== trouble) {
        anomaly('unreadable-backup', 'a backup cannot be read; it is tried again', {
          file: names.path(backup.name),
          reason: error instanceof Error ? error.message : String(error),
          uid: process.geteuid?.(),
        });
      }
      entry.trouble = trouble;
      return false;
    }
  }

  #retry(): void {
    const at = this.#options.now() + RETRY_MS;
    this.#lookAgainAt = Math.min(this.#lookAgainAt ?? at, at);
  }

  #entry(backup: BackupName): BackupEntry {
    const entry = this.#entries.get(backup.name) ?? new BackupEntry(backup);
    this.#entries.set(backup.name, entry);
    return entry;
  }

  /** A backup's name is seen for the first time, or its content could not be identified so far. False where it still cannot. */
  async #meet(backup: BackupName): Promise<boolean> {
    const { files, names, segments } = this.#options;
    const path = names.path(backup.name);
    const { fd, facts } = await openRegular(files, path);
    this.#options.learn(backup.instantMs);
    const content = backup.compressed ? new GzipContent(files, fd) : new PlainContent(files, fd);
    let taken = false;
    try {
      const entry = this.#entry(backup);
      entry.note(facts, this.#options.now());
      const sibling = backup.compressed ? (this.#entries.get(backup.stem)?.segment ?? null) : null;
      if (sibling !== null && sibling.gone === null) {
        entry.segment = sibling;
        sibling.places.gzip = path;
        sibling.gzipBytes = facts.size;
        this.#options.keeper.touch();
        return true;
      }
      const final = !backup.compressed || entry.isStable(this.#options.gzipSettleMs);
      const identity =
        (await identify(content, final)) ?? (final && backup.compressed ? identifyByName(backup.name) : null);
      if (identity === null) return false;
      const known = await segments.match(identity, content, facts);
      const segment = known ?? (await segments.create(identity, content, backup.name));
      await content.close();
      entry.segment = segment;
      if (known === null) segments.insert(segment, backup.instantMs);
      else segments.place(known, backup.instantMs);
      taken = true;
      if (known !== null && !backup.compressed && segments.isMereCopy(known, facts)) await files.close(fd);
      else await this.#place(segment, backup, fd, facts);
      return true;
    } finally {
      await content.close();
      if (!taken) await files.close(fd);
    }
  }

  async #place(
    segment: Segment,
    { name, instantMs, compressed }: BackupName,
    fd: number,
    facts: FileFacts,
  ): Promise<void> {
    const { segments, names, keeper } = this.#options;
    const path = names.path(name);
    if (segment === segments.live) segments.live = null;
    segment.name = name;
    segment.instantMs = instantMs;
    segment.closed = true;
    segment.awaitsName = false;
    if (compressed) {
      segment.places.gzip = path;
      segment.gzipBytes = facts.size;
    } else {
      segment.placePlain(path, facts, facts.size);
      segment.size = Math.max(segment.size, facts.size);
    }
    segments.markUnread(segment);
    await keeper.adopt(segment, fd, facts, compressed);
  }

  #forget(name: string, entry: BackupEntry): boolean {
    const { names, keeper } = this.#options;
    this.#entries.delete(name);
    const path = names.path(name);
    const segment = entry.segment;
    if (segment === null) {
      if (entry.size !== 0) this.#missed.unopened(entry.backup, this.#looks);
      return false;
    }
    if (segment.places.gzip === path) segment.places.gzip = null;
    if (segment.places.plain === path) {
      segment.places.plain = null;
      const copy = [...this.#entries.values()].find((other) => other.segment === segment && !other.backup.compressed);
      const serves = copy !== undefined && (copy.size >= segment.size || !segment.reachable);
      if (serves && copy.key !== null) segment.placePlain(names.path(copy.backup.name), copy.key, copy.size);
    }
    keeper.touch();
    return true;
  }

  async #recheck(entry: BackupEntry): Promise<boolean> {
    const { files, names, anomaly, segments, keeper } = this.#options;
    const facts = await files.factsOf(names.path(entry.backup.name));
    if (facts === null) return false;
    if (entry.key !== null && !entry.backup.compressed && !sameFile(facts, entry.key)) {
      // Another file stands under the name: the one before has gone, and this one is met at the next look.
      this.#forget(entry.backup.name, entry);
      this.#lookAgainAt = 0;
      return true;
    }
    const grown = facts.size !== entry.size;
    entry.note(facts, this.#options.now());
    const { segment } = entry;
    if (segment === null || !grown) return false;
    if (entry.backup.compressed) segment.gzipBytes = facts.size;
    if (entry.backup.compressed || facts.size <= segment.size) return false;
    anomaly('grown', 'a file that had been closed has grown', { file: segment.name, bytes: facts.size });
    segment.size = facts.size;
    // So far it may have been a copy of the file that is read.
    segment.placePlain(names.path(entry.backup.name), facts, facts.size);
    await segment.outdate(facts);
    segments.markUnread(segment);
    keeper.touch();
    return true;
  }
}
