import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GzipContent, PlainContent } from './content.ts';
import { LogNames, type BackupName } from './file-name.ts';
import { secondsLeft, WriteRate } from './deadline.ts';
import { isMissing, sameFile, type FileFacts, type FileKey, type LogFiles } from './files.ts';
import { identify, markHolds, type Identity } from './identity.ts';
import type { EventReference } from './loss.ts';
import { pauseMs } from './pace.ts';
import { Pins } from './pins.ts';
import { Retention, type RetentionLimits } from './retention.ts';
import { Segment } from './segment.ts';
import { Pulse } from './pulse.ts';

/** What one output remembers of a segment from an earlier run. */
export interface Remembered {
  readonly id: string;
  readonly settled: number;
  readonly done: boolean;
  readonly marks: readonly { readonly offset: number; readonly hash: string }[];
}

/** One output's reading of the log. */
export interface LogReader {
  readonly name: string;
  /** What it remembers of the segments whose id begins with `id` (the id itself, or `id` and a number). */
  remembered(id: string): readonly Remembered[];
}

/** Told what is odd about the log and was dealt with; the words are for the agent's own log, the kind for a metric. */
export type Anomaly = (kind: string, words: string, fields: Readonly<Record<string, unknown>>) => void;

export interface LogOptions {
  readonly name: string;
  readonly path: string;
  readonly files: LogFiles;
  readonly stateDirectory: string;
  readonly pins: boolean;
  readonly retention: RetentionLimits;
  /** Whether the agent itself writes this log: files are deleted once they are settled, and none can be missing. */
  readonly spool: boolean;
  /** How many files may be kept open because they are unread. */
  readonly maxHeldFiles: number;
  /** Reads the reference of the event that a line is; `null` where it is none. */
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

/** A backup whose name was seen, and which was gone before it could be opened. */
export interface MissedBackup {
  readonly name: string;
  readonly instantMs: number;
}

interface Entry {
  readonly backup: BackupName;
  segment: Segment | null;
  key: FileKey | null;
  size: number;
  sizeSince: number;
}

/** A live file of which the first line is not complete yet. */
interface Nascent {
  readonly fd: number;
  readonly key: FileKey;
  pin: string | null;
  chainedTo: Segment | null;
}

/** How long a compressed backup must not have grown before it counts as complete, or as cut off. */
export const GZIP_SETTLE_MS = 5_000;
/** Settled files are looked at again so often, whether they have grown after all. */
const RECHECK_MS = 30_000;
const MAX_INSTANTS = 200;
/** Clock ticks of the kernel make two changes of a directory look like one for so long. */
const MTIME_GRAIN_MS = 50;

/**
 * The log: its segments, oldest first, the live one last. It finds them in the directory under whatever name they have
 * now, keeps the unread ones from vanishing, and tells readers when there may be more. It reads no events.
 */
export class Log {
  readonly name: string;
  readonly names: LogNames;
  readonly pulse = new Pulse();
  /** Rotation instants known from names, ascending: what continuity is judged by. */
  readonly instants: number[] = [];
  /** Backups that were gone before they could be opened; readers record them as lost. */
  readonly missed: MissedBackup[] = [];
  readonly retention: Retention;
  readonly rate = new WriteRate();

  readonly #options: LogOptions;
  readonly #files: LogFiles;
  readonly #pins: Pins | null;
  readonly #readers = new Map<string, LogReader>();
  readonly #entries = new Map<string, Entry>();
  #segments: Segment[] = [];
  #live: Segment | null = null;
  #nascent: Nascent | null = null;
  #phantoms: BackupName[] = [];
  #readable = false;
  #words = 'not looked at yet';
  #rotations = 0;
  /** How many backups the writer leaves, once it has been seen to delete one. */
  #backupLimit: number | null = null;
  #directoryMtime = -1;
  #scannedAt = 0;
  #recheckedAt = 0;
  #pinTroubleTold = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.name = options.name;
    this.#files = options.files;
    this.names = new LogNames(options.path);
    this.#pins = options.pins ? new Pins(options.files, this.names.directory, options.stateDirectory) : null;
    this.retention = new Retention(options.retention, options.files, this.names.directory);
  }

  get isSpool(): boolean {
    return this.#options.spool;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get live(): Segment | null {
    return this.#live;
  }

  get readable(): boolean {
    return this.#readable;
  }

  /** What keeps the log from being followed; empty where nothing does. */
  get words(): string {
    return this.#readable ? '' : this.#words;
  }

  get rotations(): number {
    return this.#rotations;
  }

  /** Readers are there before the first scan. `instants` are those it remembers. */
  register(reader: LogReader, instants: readonly number[]): void {
    this.#readers.set(reader.name, reader);
    for (const instant of instants) this.#learn(instant);
  }

  /** Looks for pins of an earlier run, then at the directory. Throws nothing: `readable` and `words` tell. */
  async begin(): Promise<void> {
    for (const pin of (await this.#pins?.found()) ?? []) await this.#adoptPin(pin);
    await this.refresh(true);
  }

  /** Looks whether anything has changed, as cheaply as that can be known; wakes readers where it has. */
  async refresh(thorough = false): Promise<boolean> {
    let changed = false;
    try {
      changed = await this.#followLive();
      const directory = await this.#files.factsOf(this.names.directory);
      if (directory === null) throw Object.assign(new Error('no such directory'), { code: 'ENOENT' });
      const recent = this.#scannedAt - directory.mtimeMs < MTIME_GRAIN_MS;
      const recheck = Date.now() - this.#recheckedAt > RECHECK_MS;
      if (thorough || changed || recent || recheck || directory.mtimeMs !== this.#directoryMtime || this.#phantoms.length > 0) {
        this.#directoryMtime = directory.mtimeMs;
        this.#scannedAt = Date.now();
        changed = (await this.#scan(recheck)) || changed;
      }
      changed = (await this.#keep()) || changed;
      const there = this.#live !== null || this.#nascent !== null || this.#segments.length > 0;
      this.#tell(there, `${this.names.path(this.names.live)} is not there yet; the API server creates it with the first event`);
    } catch (error) {
      this.#tell(false, describeFailure(error, this.names.directory));
    }
    if (changed) this.pulse.beat();
    return changed;
  }

  /** Says it once when the log cannot be followed, and when it can again. */
  #tell(readable: boolean, words: string): void {
    if (this.#readable === readable && (readable || this.#words === words)) return;
    this.#readable = readable;
    this.#words = words;
    const kind = readable ? 'readable' : 'unreadable';
    this.#options.anomaly(kind, readable ? 'the log is being followed' : 'the log cannot be followed yet', {
      file: this.names.path(this.names.live),
      ...(readable ? {} : { reason: words }),
    });
  }

  /** A reader has settled a segment to its end. */
  async settled(segment: Segment, reader: string): Promise<void> {
    segment.unsettledBy.delete(reader);
    if (segment.unsettledBy.size > 0) return;
    await this.#release(segment);
    this.#dispose(segment);
  }

  /** A reader found that the bytes before its offset are not those that it read. */
  async contentChanged(segment: Segment): Promise<void> {
    if (segment === this.#live && segment.key !== null) await this.#reidentifyLive(segment);
  }

  /** Whether a compressed file has stopped growing, so that its end is its end. */
  gzipStable(segment: Segment): boolean {
    for (const entry of this.#entries.values()) {
      if (entry.segment === segment && entry.backup.compressed) return Date.now() - entry.sizeSince >= GZIP_SETTLE_MS;
    }
    return true;
  }

  /** The segment that stands before one in the log. */
  previousOf(segment: Segment): Segment | null {
    const at = this.#segments.indexOf(segment);
    return at > 0 ? (this.#segments[at - 1] as Segment) : null;
  }

  /** Seconds until the oldest segment that a reader has not settled is taken away; null where that cannot be known. */
  deadlineSeconds(reader: string): number | null {
    const present = this.#segments.filter((segment) => segment.places.plain !== null || segment.places.gzip !== null);
    const oldest = this.#segments.find((segment) => segment.unsettledBy.has(reader) && segment.gone === null);
    if (oldest === undefined || this.#segments.at(-1) === oldest) return null;
    return secondsLeft({
      bytesPerSecond: this.rate.bytesPerSecond,
      segmentBytes: Math.max(0, ...this.#segments.map(({ size }) => size)),
      liveBytes: this.#live?.size ?? 0,
      backups: present.length - (this.#live === null ? 0 : 1),
      backupLimit: this.#backupLimit,
      olderBackups: Math.max(0, present.indexOf(oldest)),
      retainBytes: this.#pins !== null && this.#pins.trouble === null ? this.retention.maxBytes : 0,
      retainedBytes: this.retention.retained(this.#segments).bytes,
    });
  }

  /** Gives every descriptor back. Pins of what is unread stay. */
  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.letGo();
    if (this.#nascent !== null) await this.#files.close(this.#nascent.fd);
    this.#nascent = null;
  }

  // ---- the live file

  async #followLive(): Promise<boolean> {
    const path = this.names.path(this.names.live);
    const facts = await this.#files.factsOf(path);
    if (facts === null) return (await this.#growUnlinked()) || this.#completeNascent(false);
    if (!facts.regular) throw new Error(`${path} is no regular file`);
    if (this.#live?.key != null && this.#nascent === null && sameFile(facts, this.#live.key)) return this.#grow(this.#live, facts);
    if (this.#nascent !== null && sameFile(facts, this.#nascent.key)) return this.#completeNascent(false);
    return this.#takeOver(path);
  }

  /** The live file lost its name, but its writer may write on: a rename in progress, or somebody removed or moved it. */
  async #growUnlinked(): Promise<boolean> {
    const live = this.#live;
    if (live === null || !live.held) return false;
    const lease = await live.lease();
    try {
      return this.#grow(live, await lease.facts());
    } finally {
      await lease.release();
    }
  }

  async #grow(segment: Segment, facts: FileFacts): Promise<boolean> {
    if (facts.size === segment.size) return false;
    if (facts.size < segment.size) {
      this.#options.anomaly('truncated', 'the live file became shorter', {
        file: segment.name,
        from: segment.size,
        to: facts.size,
      });
      await this.#reidentifyLive(segment);
      return true;
    }
    this.rate.wrote(facts.size - segment.size, Date.now());
    segment.size = facts.size;
    for (const reader of this.#readers.keys()) segment.unsettledBy.add(reader);
    return true;
  }

  /** Another file stands under the live name: the one before was rotated (or replaced). */
  async #takeOver(path: string): Promise<boolean> {
    let fd: number;
    try {
      fd = await this.#files.open(path);
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
    const key = await this.#files.facts(fd);
    if (this.#nascent !== null) await this.#completeNascent(true);
    const previous = this.#live;
    if (previous !== null) {
      previous.closed = true;
      await this.#finalSize(previous);
      this.#rotations += 1;
      this.#live = null;
    }
    this.#nascent = { fd, key, pin: null, chainedTo: previous };
    this.#nascent.pin = await this.#pin(path, key, false);
    await this.#completeNascent(false);
    return true;
  }

  /** Makes a segment of the nascent live file once its first line is there; `final` when it will not grow any more. */
  async #completeNascent(final: boolean): Promise<boolean> {
    const nascent = this.#nascent;
    if (nascent === null) return false;
    const facts = await this.#files.facts(nascent.fd);
    const identity = await identify(new PlainContent(this.#files, nascent.fd), final);
    if (identity === null) {
      if (!final) return false;
      this.#nascent = null;
      await this.#files.close(nascent.fd);
      if (nascent.pin !== null) await this.#pins?.remove(nascent.pin);
      return false;
    }
    this.#nascent = null;
    const content = new PlainContent(this.#files, nascent.fd);
    const known = await this.#match(identity, content, nascent.key, null);
    const segment = known ?? (await this.#newSegment(identity, content, this.names.live));
    if (known === null) this.#segments.push(segment);
    segment.name = this.names.live;
    segment.instantMs = null;
    segment.closed = final;
    segment.key = nascent.key;
    segment.size = Math.max(facts.size, known === null ? 0 : segment.size);
    segment.places.plain = this.names.path(this.names.live);
    segment.chained = nascent.chainedTo !== null && (await this.#soleRotation(nascent.chainedTo));
    await this.#usePin(segment, nascent.pin);
    await segment.adopt(nascent.fd, false);
    this.#open(segment);
    if (!final) this.#live = segment;
    return true;
  }

  /**
   * Whether the file that was live has become the only backup that is new: then nothing can have been between it and
   * the one that is live now.
   */
  async #soleRotation(previous: Segment): Promise<boolean> {
    if (previous.key === null) return false;
    const names = await this.#files.list(this.names.directory);
    const fresh = names.filter((name) => this.names.parse(name) !== null && !this.#entries.has(name) && !name.endsWith('.gz'));
    if (fresh.length !== 1) return false;
    const facts = await this.#files.factsOf(this.names.path(fresh[0] as string));
    return facts !== null && sameFile(facts, previous.key);
  }

  async #finalSize(segment: Segment): Promise<void> {
    if (!segment.held) return;
    const lease = await segment.lease();
    try {
      segment.size = Math.max(segment.size, (await lease.facts()).size);
    } finally {
      await lease.release();
    }
  }

  /** The live inode holds other bytes than before: find out whether it is the same segment still. */
  async #reidentifyLive(segment: Segment): Promise<void> {
    const lease = await segment.lease();
    try {
      const facts = await lease.facts();
      const identity = await identify(lease.content, false);
      if (identity !== null && segment.id.startsWith(identity.id)) {
        segment.size = facts.size;
        return;
      }
      this.#options.anomaly('replaced', 'the live file was truncated or overwritten: what it held and was unread is lost', {
        file: segment.name,
        bytes: segment.size,
      });
      segment.gone = 'truncated';
      segment.closed = true;
      this.#live = null;
      const fd = await this.#files.open(this.names.path(this.names.live));
      this.#nascent = { fd, key: await this.#files.facts(fd), pin: null, chainedTo: null };
      const pin = segment.places.pin;
      segment.places.pin = null;
      segment.places.plain = null;
      this.#nascent.pin = pin;
      await segment.letGo();
      await this.#completeNascent(false);
    } finally {
      await lease.release();
    }
  }

  // ---- the directory

  async #scan(recheck: boolean): Promise<boolean> {
    if (recheck) this.#recheckedAt = Date.now();
    const present = new Map<string, BackupName>();
    for (const name of await this.#files.list(this.names.directory)) {
      const backup = this.names.parse(name);
      if (backup !== null) present.set(name, backup);
    }
    let changed = false;
    if ([...this.#entries.keys()].some((name) => !present.has(name) && !present.has(`${name}.gz`))) {
      this.#backupLimit = new Set([...present.keys()].map((name) => name.replace(/\.gz$/, ''))).size;
    }
    const fresh = [...present.values()].filter((backup) => this.#entries.get(backup.name)?.segment == null);
    fresh.sort((a, b) => a.instantMs - b.instantMs || Number(a.compressed) - Number(b.compressed));
    const unseen: BackupName[] = [];
    for (const backup of fresh) {
      const outcome = await this.#meet(backup);
      if (outcome === 'vanished') unseen.push(backup);
      changed ||= outcome === 'adopted';
    }
    for (const [name, entry] of this.#entries) {
      if (!present.has(name)) changed = this.#forget(name, entry) || changed;
      else if (recheck || entry.backup.compressed) changed = (await this.#recheck(entry)) || changed;
    }
    this.#settlePhantoms(unseen, present);
    return changed;
  }

  /** A backup's name is seen for the first time (or its content could not be identified so far). */
  async #meet(backup: BackupName): Promise<'adopted' | 'pending' | 'vanished'> {
    const path = this.names.path(backup.name);
    this.#learn(backup.instantMs);
    let fd: number;
    try {
      fd = await this.#files.open(path);
    } catch (error) {
      if (isMissing(error)) return 'vanished';
      throw error;
    }
    const facts = await this.#files.facts(fd);
    if (!facts.regular) {
      await this.#files.close(fd);
      return 'pending';
    }
    const entry = this.#entries.get(backup.name) ?? { backup, segment: null, key: facts, size: -1, sizeSince: Date.now() };
    this.#entries.set(backup.name, entry);
    if (entry.size !== facts.size) entry.sizeSince = Date.now();
    entry.size = facts.size;
    entry.key = facts;
    const sibling = backup.compressed ? this.#entries.get(backup.name.slice(0, -3))?.segment : null;
    if (sibling != null) {
      await this.#files.close(fd);
      entry.segment = sibling;
      sibling.places.gzip = path;
      return 'adopted';
    }
    const content = backup.compressed ? new GzipContent(this.#files, fd) : new PlainContent(this.#files, fd);
    try {
      const final = !backup.compressed || Date.now() - entry.sizeSince >= GZIP_SETTLE_MS;
      const identity = (await identify(content, final)) ?? (final && facts.size > 0 ? unreadable(backup.name) : null);
      if (identity === null) {
        await this.#files.close(fd);
        return 'pending';
      }
      const known = await this.#match(identity, content, facts, backup);
      const segment = known ?? (await this.#newSegment(identity, content, backup.name));
      if (known === null) this.#insert(segment, backup.instantMs);
      entry.segment = segment;
      if (segment === this.#live) this.#live = null;
      segment.name = backup.name;
      segment.instantMs = backup.instantMs;
      segment.closed = true;
      if (backup.compressed) segment.places.gzip = path;
      else {
        segment.places.plain = path;
        segment.key = facts;
        segment.size = Math.max(segment.size, facts.size);
      }
      await segment.adopt(fd, backup.compressed);
      this.#open(segment);
      return 'adopted';
    } finally {
      content.close();
    }
  }

  async #adoptPin(pin: string): Promise<void> {
    const compressed = pin.endsWith('.gz');
    const fd = await this.#files.open(pin);
    const facts = await this.#files.facts(fd);
    const content = compressed ? new GzipContent(this.#files, fd) : new PlainContent(this.#files, fd);
    const identity = await identify(content, true);
    if (identity === null) {
      content.close();
      await this.#files.close(fd);
      await this.#pins?.remove(pin);
      return;
    }
    const known = await this.#match(identity, content, facts, null);
    const segment = known ?? (await this.#newSegment(identity, content, pin));
    content.close();
    if (known === null) this.#segments.push(segment);
    segment.closed = true;
    if (!compressed) {
      segment.key = facts;
      segment.size = Math.max(segment.size, facts.size);
    }
    await this.#usePin(segment, pin);
    await this.#files.close(fd);
    this.#open(segment);
  }

  #forget(name: string, entry: Entry): boolean {
    this.#entries.delete(name);
    const path = this.names.path(name);
    const segment = entry.segment;
    if (segment === null) return false;
    if (segment.places.plain === path) segment.places.plain = null;
    if (segment.places.gzip === path) segment.places.gzip = null;
    this.#dispose(segment);
    return true;
  }

  async #recheck(entry: Entry): Promise<boolean> {
    const facts = await this.#files.factsOf(this.names.path(entry.backup.name));
    if (facts === null || facts.size === entry.size) return false;
    entry.size = facts.size;
    entry.sizeSince = Date.now();
    const segment = entry.segment;
    if (segment === null || entry.backup.compressed || facts.size <= segment.size) return false;
    this.#options.anomaly('grown', 'a file that had been closed has grown', { file: segment.name, bytes: facts.size });
    segment.size = facts.size;
    this.#open(segment);
    return true;
  }

  /** A name that could not be opened belongs to a file that is held already, or to one that nobody will ever read. */
  #settlePhantoms(unseen: readonly BackupName[], present: ReadonlyMap<string, BackupName>): void {
    const again = new Set(this.#phantoms.map((phantom) => phantom.name));
    // Only what was live in this run: a pin of an earlier one may have lost its name long ago.
    const rotated = this.#segments.filter(({ name, closed, instantMs }) => name === this.names.live && closed && instantMs === null);
    const nameless = rotated.filter((segment) => segment !== this.#live);
    const waiting: BackupName[] = [];
    for (const phantom of [...this.#phantoms, ...unseen.filter(({ name }) => !again.has(name))]) {
      const stem = phantom.compressed ? phantom.name.slice(0, -3) : phantom.name;
      if (this.#entries.get(stem)?.segment != null || this.#entries.get(`${stem}.gz`)?.segment != null) continue;
      const owner = nameless.shift();
      if (owner !== undefined) {
        owner.name = phantom.name;
        owner.instantMs = phantom.instantMs;
      } else if (again.has(phantom.name) && !present.has(phantom.name)) {
        this.missed.push({ name: phantom.name, instantMs: phantom.instantMs });
      } else waiting.push(phantom);
    }
    this.#phantoms = waiting;
  }

  // ---- segments

  /** The segment that content belongs to, where it is one of those that are known. */
  async #match(identity: Identity, content: PlainContent | GzipContent, key: FileKey, backup: BackupName | null): Promise<Segment | null> {
    for (const segment of this.#segments) {
      if (segment.gone !== null || !segment.id.startsWith(identity.id)) continue;
      if (segment.key !== null && sameFile(segment.key, key)) return segment;
      if (backup !== null && segment.instantMs === backup.instantMs) return segment;
      if (await this.#samePrefix(segment, content)) return segment;
    }
    return null;
  }

  /** Two files with one first line are one segment only if the shorter is a prefix of the longer. */
  async #samePrefix(segment: Segment, content: PlainContent | GzipContent): Promise<boolean> {
    const lease = await segment.lease();
    try {
      const one = Buffer.allocUnsafe(256 * 1024);
      const other = Buffer.allocUnsafe(one.length);
      for (let offset = 0; ; ) {
        const mine = await lease.content.read(offset, one, 0, one.length);
        let theirs = 0;
        while (theirs < mine) {
          const count = await content.read(offset + theirs, other, theirs, mine - theirs);
          if (count === 0) break;
          theirs += count;
        }
        if (!one.subarray(0, theirs).equals(other.subarray(0, theirs))) return false;
        if (mine === 0 || theirs < mine) return true;
        offset += mine;
      }
    } finally {
      await lease.release();
    }
  }

  /** A segment not seen in this run: under the id it had in an earlier run, where one of the readers remembers it. */
  async #newSegment(identity: Identity, content: PlainContent | GzipContent, name: string): Promise<Segment> {
    const taken = new Set(this.#segments.map((segment) => segment.id));
    const remembered = [...this.#readers.values()].flatMap((reader) => [...reader.remembered(identity.id)]);
    let best: { id: string; offset: number } | null = null;
    for (const record of remembered) {
      if (taken.has(record.id)) continue;
      for (const mark of record.marks.toReversed()) {
        if (best !== null && mark.offset <= best.offset) break;
        if (await markHolds(content, mark)) best = { id: record.id, offset: mark.offset };
      }
      best ??= { id: record.id, offset: 0 };
    }
    let id = best?.id ?? identity.id;
    for (let number = 2; best === null && (taken.has(id) || remembered.some((record) => record.id === id)); number += 1) {
      id = `${identity.id}-${number}`;
    }
    return new Segment(this.#files, id, name, this.#options.reference(identity.firstLine));
  }

  /** Places a backup that was not seen while it was live: by its name, before the first that is younger. */
  #insert(segment: Segment, instantMs: number): void {
    const at = this.#segments.findIndex(
      (other) => other === this.#live || (other.instantMs !== null && other.instantMs > instantMs),
    );
    if (at === -1) this.#segments.push(segment);
    else this.#segments.splice(at, 0, segment);
  }

  /** Marks for which readers a segment is (again) unread. */
  #open(segment: Segment): void {
    for (const reader of this.#readers.values()) {
      const record = reader.remembered(segment.id).find(({ id }) => id === segment.id);
      const compressedOnly = segment.places.plain === null && segment.places.pin === null && segment.size === 0;
      const settled = record?.done === true && (compressedOnly || segment.size <= record.settled);
      if (!settled) segment.unsettledBy.add(reader.name);
    }
  }

  #dispose(segment: Segment): void {
    if (segment === this.#live || segment.places.plain !== null || segment.places.gzip !== null) return;
    if (segment.unsettledBy.size > 0) return;
    const at = this.#segments.indexOf(segment);
    if (at !== -1) this.#segments.splice(at, 1);
  }

  #learn(instantMs: number): void {
    if (this.instants.includes(instantMs)) return;
    this.instants.push(instantMs);
    this.instants.sort((a, b) => a - b);
    if (this.instants.length > MAX_INSTANTS) this.instants.shift();
  }

  // ---- keeping what is unread

  async #keep(): Promise<boolean> {
    let changed = false;
    let held = 0;
    for (const segment of [...this.#segments]) {
      if (segment.unsettledBy.size === 0) {
        await this.#release(segment);
        this.#dispose(segment);
        continue;
      }
      if (segment.places.pin === null && segment.places.plain !== null && segment.key !== null && segment.gone === null) {
        await this.#usePin(segment, await this.#pin(segment.places.plain, segment.key, false));
      } else if (segment.places.pin === null && segment.places.gzip !== null && segment.gone === null) {
        const facts = await this.#files.factsOf(segment.places.gzip);
        if (facts !== null) await this.#usePin(segment, await this.#pin(segment.places.gzip, facts, true));
      }
      // The live file stays open, since its name passes to another; so do the oldest, which the writer deletes first.
      const wanted = segment === this.#live || (segment.places.pin === null && held < this.#options.maxHeldFiles);
      if (wanted) held += 1;
      await this.#hold(segment, wanted);
      if (segment.gone === null && !segment.reachable) {
        segment.gone = 'deleted';
        changed = true;
      }
    }
    for (const segment of await this.retention.exceeding(this.#segments, this.#live)) {
      segment.gone = 'retention';
      await this.#release(segment);
      changed = true;
    }
    return changed;
  }

  async #hold(segment: Segment, wanted: boolean): Promise<void> {
    if (segment.held === wanted || segment.gone !== null) return;
    if (!wanted) {
      await segment.letGo();
      return;
    }
    try {
      await segment.hold();
    } catch (error) {
      // It has been deleted or renamed since the directory was read: the next look tells which.
      if (!isMissing(error)) throw error;
      segment.places.plain = null;
    }
  }

  async #release(segment: Segment): Promise<void> {
    if (segment.held && segment !== this.#live) await segment.letGo();
    if (this.#options.spool && segment !== this.#live && segment.places.plain !== null) {
      const plain = segment.places.plain;
      segment.places.plain = null;
      await this.#unlink(plain);
    }
    const pin = segment.places.pin;
    if (pin === null || segment === this.#live) return;
    segment.places.pin = null;
    await this.#pins?.remove(pin);
  }

  /** Lets the oldest file of a spool go although it is not settled. False where there is none but the live one. */
  async dropOldest(): Promise<boolean> {
    const oldest = this.#segments.find((segment) => segment !== this.#live && segment.gone === null);
    if (oldest === undefined) return false;
    oldest.gone = 'spool-full';
    await this.#release(oldest);
    this.pulse.beat();
    return true;
  }

  async #unlink(path: string): Promise<void> {
    try {
      await this.#files.unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #pin(path: string, key: FileKey, compressed: boolean): Promise<string | null> {
    const pin = (await this.#pins?.add(path, key, compressed)) ?? null;
    const trouble = this.#pins?.trouble;
    if (trouble != null && !this.#pinTroubleTold) {
      this.#pinTroubleTold = true;
      this.#options.anomaly('no-pins', 'unread files cannot be pinned: what is deleted while the agent is down is lost', {
        directory: this.#pins?.directory,
        reason: trouble.words,
      });
    }
    return pin;
  }

  async #usePin(segment: Segment, pin: string | null): Promise<void> {
    if (pin === null || segment.places.pin === pin) return;
    if (segment.places.pin !== null) await this.#pins?.remove(segment.places.pin);
    segment.places.pin = pin;
  }

  #pauseMs(activeMs: number): number {
    return pauseMs({ activeMs, instants: this.instants, backups: this.#backupLimit ?? this.#entries.size });
  }

  /** Runs until the signal: looks often while the log grows, and seldom, woken by `wake`, while it does not. */
  async follow(signal: AbortSignal, pace: { activeMs: number; idleMs: number; quietMs: number; wake: WakeUp }): Promise<void> {
    let grewAt = Date.now();
    while (!signal.aborted) {
      if (await this.refresh()) grewAt = Date.now();
      const idle = Date.now() - grewAt > pace.quietMs;
      if (!idle) {
        pace.wake.disarm();
        await sleep(this.#pauseMs(pace.activeMs), undefined, { signal }).then(undefined, ignoreAbort);
      } else if (await pace.wake.wait(pace.idleMs, signal)) grewAt = Date.now();
    }
    pace.wake.disarm();
  }
}

/** Wakes from idle when something happens in a directory; the time-out is the safety net. */
export interface WakeUp {
  /** True where something happened. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean>;
  disarm(): void;
}

/** A compressed file that gives not even a first line: it stands in the log under its name, so that it is reported. */
function unreadable(name: string): Identity {
  const firstLine = Buffer.from(name);
  return { id: hash('sha256', firstLine, 'hex').slice(0, 32), firstLine };
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
}

function describeFailure(error: unknown, directory: string): string {
  if (isMissing(error)) return `the directory ${directory} is not there`;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  const words = error instanceof Error ? error.message : String(error);
  if (code !== 'EACCES' && code !== 'EPERM') return words;
  return `uid ${process.getuid?.() ?? '?'} may not read it: ${words}`;
}
