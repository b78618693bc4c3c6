import type { Backups } from './backups.ts';
import { PlainContent } from './content.ts';
import type { WriteRate } from './deadline.ts';
import {
  IrregularFile,
  isMissing,
  openRegular,
  sameFile,
  type FileFacts,
  type FileKey,
  type LogFiles,
} from './files.ts';
import type { LogNames } from './file-name.ts';
import { identify } from './identity.ts';
import { LET_GO_WORDS, type Keeper } from './keeper.ts';
import type { Anomaly } from './reader.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface LiveFileOptions {
  readonly files: LogFiles;
  readonly names: LogNames;
  readonly segments: SegmentList;
  readonly keeper: Keeper;
  readonly rate: WriteRate;
  readonly anomaly: Anomaly;
  readonly backups: Backups;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** A live file of which the first line is not complete yet. */
interface Nascent {
  readonly fd: number;
  readonly key: FileKey;
  readonly pin: string | null;
  readonly chained: boolean;
  readonly watched: boolean;
}

/** The name is missing for up to 10 ms in a rotation; after so long somebody has removed or moved the file. */
const RENAME_MS = 1000;
/** No file comes and goes in so short a time: rotations were measured to come as close as 310 ms. */
const MOMENT_MS = 150;

/** What stands under the live name: whether it has grown, has been rotated, truncated, removed. */
export class LiveFile {
  readonly #options: LiveFileOptions;
  readonly #path: string;
  #nascent: Nascent | null = null;
  /** The file that was live last, whatever has become of it. */
  #last: Segment | null = null;
  #nameless = { since: Number.NaN, told: false };
  #rotations = 0;
  /** When the live name was last looked at with success. */
  #lookedAt = Number.NaN;

  constructor(options: LiveFileOptions) {
    this.#options = options;
    this.#path = options.names.path(options.names.live);
  }

  get rotations(): number {
    return this.#rotations;
  }

  /** Whether there is a file, be it empty. */
  get present(): boolean {
    return this.#options.segments.live !== null || this.#nascent !== null;
  }

  /** True where there is more to read than before. */
  async look(): Promise<boolean> {
    const { files, now } = this.#options;
    const at = now();
    const facts = await files.factsOf(this.#path);
    // From before the look before until after this one: an agent that is held up in a look must not seem to have watched.
    const changed = await this.#lookAt(facts, now() - this.#lookedAt <= MOMENT_MS);
    this.#lookedAt = at;
    return changed;
  }

  async #lookAt(facts: FileFacts | null, watched: boolean): Promise<boolean> {
    if (facts === null) return this.#lookUnnamed();
    this.#nameless = { since: Number.NaN, told: false };
    if (!facts.regular) throw new IrregularFile(this.#path);
    const { live } = this.#options.segments;
    if (live?.key != null && sameFile(facts, live.key)) return this.#grow(live, facts);
    if (this.#nascent !== null && sameFile(facts, this.#nascent.key)) return (await this.#complete(false)) !== null;
    return this.#takeOver(facts, watched);
  }

  /**
   * The live inode holds other bytes than were read: finds out whether it is the same segment still. If not, what was
   * in it is to be found elsewhere or lost.
   */
  async reidentify(segment: Segment): Promise<void> {
    const { segments, anomaly, keeper } = this.#options;
    if (segment !== segments.live) return;
    const lease = await segment.lease();
    try {
      const facts = await lease.facts();
      const identity = await identify(lease.content, false);
      if (identity !== null && segment.id.startsWith(identity.id)) {
        segment.size = facts.size;
        return;
      }
    } finally {
      await lease.release();
    }
    const file = await this.#openLive();
    anomaly(
      'replaced',
      'the live file was truncated or overwritten: what it held and was unread is lost, unless there is a copy',
      {
        file: segment.name,
        bytes: segment.size,
      },
    );
    const { pin } = segment.places;
    const same = file !== null && segment.key !== null && sameFile(file.facts, segment.key);
    if (file !== null)
      this.#nascent = { fd: file.fd, key: file.facts, pin: same ? pin : null, chained: same, watched: same };
    segment.fate = 'truncated';
    segment.closed = true;
    segment.key = null;
    segment.places.plain = null;
    segment.places.pin = null;
    segments.live = null;
    this.#last = null;
    keeper.touch();
    if (!same && pin !== null) await keeper.dropPin(pin);
    await segment.revoke();
    await this.#complete(false);
  }

  async close(): Promise<void> {
    const nascent = this.#nascent;
    if (nascent === null) return;
    const { files, anomaly } = this.#options;
    this.#nascent = null;
    try {
      const { links, size } = await files.facts(nascent.fd);
      if (links === 0 && size > 0) anomaly('let-go', LET_GO_WORDS, { file: this.#path, bytes: size });
    } catch (error) {
      anomaly('let-go', LET_GO_WORDS, { file: this.#path, reason: String(error) });
    } finally {
      await files.close(nascent.fd);
    }
  }

  /** The live file lost its name, but its writer may write on: a rotation under way, or somebody removed or moved it. */
  async #lookUnnamed(): Promise<boolean> {
    const { segments, now, anomaly } = this.#options;
    if (this.present) {
      if (Number.isNaN(this.#nameless.since)) this.#nameless.since = now();
      if (!this.#nameless.told && now() - this.#nameless.since >= RENAME_MS) {
        this.#nameless.told = true;
        anomaly('unlinked', 'the live file was removed or moved; its writer may write on to it, and it is read on', {
          file: this.#path,
        });
      }
    }
    const { live } = segments;
    if (live === null) return (await this.#complete(false)) !== null;
    return this.#grow(live, await factsOf(live));
  }

  async #grow(segment: Segment, facts: FileFacts): Promise<boolean> {
    if (facts.size === segment.size) return false;
    if (facts.size < segment.size) {
      this.#options.anomaly('truncated', 'the live file became shorter', {
        file: segment.name,
        from: segment.size,
        to: facts.size,
      });
      await this.reidentify(segment);
      return true;
    }
    this.#options.rate.wrote(facts.size - segment.size, this.#options.now());
    segment.size = facts.size;
    this.#options.segments.markUnread(segment);
    return true;
  }

  /** Another file stands under the live name: the one before was rotated (or replaced). */
  async #takeOver(seen: FileKey, isWatched: boolean): Promise<boolean> {
    const { files, segments, keeper } = this.#options;
    const file = await this.#openLive();
    if (file === null) return false;
    // Is it another than was seen, that one came between.
    const watched = isWatched && sameFile(file.facts, seen);
    let chained = false;
    let ended: FileFacts | null = null;
    const previous = segments.live;
    try {
      if (this.#nascent !== null) await this.#complete(true);
      if (previous !== null) ended = await factsOf(previous);
      const before = previous ?? this.#last;
      chained = before !== null && (await this.#followsOn(before));
    } catch (error) {
      await files.close(file.fd);
      throw error;
    }
    if (previous !== null) {
      this.#options.rate.wrote((ended?.size ?? 0) - previous.size, this.#options.now());
      previous.size = Math.max(previous.size, ended?.size ?? 0);
      previous.writtenMs = ended?.mtimeMs ?? null;
      previous.closed = true;
      if (previous.places.plain === this.#path) {
        previous.places.plain = null;
        previous.awaitsName = previous.instantMs === null;
      }
      segments.live = null;
      segments.markUnread(previous);
    }
    if (this.#last !== null) this.#rotations += 1;
    this.#nascent = { fd: file.fd, key: file.facts, chained, watched, pin: null };
    this.#nascent = { ...this.#nascent, pin: await keeper.pin(this.#path, file.facts, false) };
    keeper.touch();
    await this.#complete(false);
    return true;
  }

  /** Makes a segment of the nascent live file once its first line is there; `final` when it will not grow any more. */
  async #complete(final: boolean): Promise<Segment | null> {
    const nascent = this.#nascent;
    if (nascent === null) return null;
    const { files, segments, keeper } = this.#options;
    const content = new PlainContent(files, nascent.fd);
    const { size, mtimeMs } = await files.facts(nascent.fd);
    const identity = await identify(content, final);
    if (identity === null) {
      if (!final) return null;
      this.#nascent = null;
      if (nascent.pin !== null) await keeper.dropPin(nascent.pin);
      await files.close(nascent.fd);
      return null;
    }
    const known = await segments.match(identity, content, nascent.key);
    const segment = known ?? (await segments.create(identity, content, this.#options.names.live));
    this.#nascent = null;
    if (known === null) segments.append(segment);
    else segments.place(known, null);
    segment.name = this.#options.names.live;
    segment.instantMs = null;
    segment.closed = final;
    segment.awaitsName = final;
    if (final) segment.writtenMs = mtimeMs;
    segment.key = nascent.key;
    // The first file was there before anybody looked: at what rate it was written, nobody knows.
    if (this.#last !== null) this.#options.rate.wrote(size - segment.size, this.#options.now());
    segment.size = Math.max(size, segment.size);
    segment.places.plain = final ? null : this.#path;
    segment.chained = nascent.chained;
    segment.watched = nascent.watched;
    this.#last = segment;
    if (!final) segments.live = segment;
    segments.markUnread(segment);
    keeper.touch();
    await keeper.usePin(segment, nascent.pin);
    await keeper.adopt(segment, nascent.fd, nascent.key, false);
    return segment;
  }

  /**
   * Whether nothing can have been between a file that was live and the one that is live now: it still stands in the
   * directory under a backup's name, and no other new backup does. (The writer deletes the oldest first, so none that
   * came after it can have been deleted.)
   */
  async #followsOn(before: Segment): Promise<boolean> {
    const { files, names, backups } = this.#options;
    if (before.key === null) return false;
    const fresh = await backups.fresh();
    const named = before.instantMs === null ? fresh[0] : before.name;
    if (fresh.length !== (before.instantMs === null ? 1 : 0) || named === undefined) return false;
    const facts = await files.factsOf(names.path(named));
    return facts !== null && sameFile(facts, before.key);
  }

  async #openLive(): Promise<{ fd: number; facts: FileFacts } | null> {
    try {
      return await openRegular(this.#options.files, this.#path);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }
}

async function factsOf(segment: Segment): Promise<FileFacts> {
  const lease = await segment.lease();
  try {
    return await lease.facts();
  } finally {
    await lease.release();
  }
}
