import { isMissing, type FileKey, type LogFiles } from './files.ts';
import type { Pins } from './pins.ts';
import type { Anomaly } from './reader.ts';
import type { Retention } from './retention.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface KeeperOptions {
  readonly files: LogFiles;
  readonly segments: SegmentList;
  readonly pins: Pins | null;
  readonly retention: Retention;
  /** Whether files are deleted once they are settled. */
  readonly spool: boolean;
  readonly maxHeldFiles: number;
  readonly anomaly: Anomaly;
  /** Monotonic, ms. */
  readonly now: () => number;
}

export const LET_GO_WORDS =
  'an unread file that its writer has deleted goes with the agent, since it could not be pinned';

const RETENTION_WORDS =
  'an unread file was let go: what is kept for slow outputs has reached retain.maxBytes or retain.minFree';

/** Space on the disk is looked at so often while anything is retained; others write there too. */
const LOOK_MS = 1000;

/**
 * Keeps unread segments from vanishing, by pins and open descriptors, within bounds, and lets go of what everybody has
 * settled. It walks the segments only after something has changed.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  #changes = 0;
  #walked = -1;
  #walkedAt = 0;
  #retains = false;
  #held = 0;
  #pinTrouble = '';
  /** Segments of which nothing was left after a look at the directory, with the number of that look. */
  readonly #unreachable = new Map<Segment, number>();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Something has changed that decides what is to be kept. */
  touch(): void {
    this.#changes += 1;
  }

  /** Whether a segment waits for another look at the directory before it is given up. */
  get searching(): boolean {
    return this.#unreachable.size > 0;
  }

  /** Takes over a descriptor that has just been opened, where that is not one too many. */
  async adopt(segment: Segment, fd: number, key: FileKey, compressed: boolean): Promise<void> {
    this.touch();
    const must = segment === this.#options.segments.live || segment.awaitsName || segment.held;
    if (!must && this.#held >= this.#options.maxHeldFiles) {
      await this.#options.files.close(fd);
      if (!compressed) await segment.outdate(key);
      return;
    }
    this.#held += 1;
    await segment.adopt(fd, key, compressed);
  }

  /** `looks` is the number of times that the directory has been read. True where a segment was lost or let go. */
  async keep(looks: number): Promise<boolean> {
    const { now, pins } = this.#options;
    const due = (this.#retains || pins?.untidy === true) && now() - this.#walkedAt >= LOOK_MS;
    const changes = this.#changes;
    if (this.#walked === changes && !due && this.#unreachable.size === 0) return false;
    this.#walkedAt = now();
    const changed = await this.#walk(looks);
    // Where it failed, the next look tries again.
    this.#walked = changes;
    return changed;
  }

  /** Gives up what keeps a settled segment alive. */
  async release(segment: Segment): Promise<void> {
    const { segments, spool, pins } = this.#options;
    if (segment === segments.live) return;
    if (segment.gone !== null) await segment.revoke();
    else if (segment.held) await segment.letGo();
    const { plain, pin } = segment.places;
    if (spool && plain !== null) {
      await this.#unlink(plain);
      segment.places.plain = null;
    }
    segment.places.pin = null;
    if (pin !== null) await pins?.remove(pin);
  }

  /** Closes all descriptors. What only they kept is told of: no later run will know that it ever was. */
  async letAllGo(): Promise<void> {
    const { segments, anomaly } = this.#options;
    for (const { gone, unsettledBy, retained, places, name, size } of segments.all) {
      if (gone !== null || unsettledBy.size === 0 || !retained || places.pin !== null) continue;
      anomaly('let-go', LET_GO_WORDS, { file: name, bytes: size });
    }
    const closed = await Promise.allSettled(segments.all.map((segment) => segment.letGo()));
    const failed = closed.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async pin(path: string, key: FileKey, compressed: boolean): Promise<string | null> {
    const { pins, anomaly } = this.#options;
    if (pins === null) return null;
    const pin = await pins.add(path, key, compressed);
    const words = pins.trouble?.words ?? '';
    // The words name the file, so a trouble is told apart by its code where it has one.
    const told = pins.trouble === null ? '' : pins.trouble.code || words;
    if (told !== '' && told !== this.#pinTrouble) {
      anomaly('no-pins', 'unread files cannot be pinned: what is deleted while the agent is down is lost', {
        directory: pins.directory,
        reason: words,
      });
    }
    this.#pinTrouble = told;
    return pin;
  }

  async usePin(segment: Segment, pin: string | null): Promise<void> {
    const before = segment.places.pin;
    if (pin === null || before === pin) return;
    segment.places.pin = pin;
    if (before !== null) await this.#options.pins?.remove(before);
  }

  async dropPin(pin: string): Promise<void> {
    await this.#options.pins?.remove(pin);
  }

  /** Forgets those that are settled and of which no file is left. */
  dispose(candidates: readonly Segment[]): void {
    const { segments } = this.#options;
    const gone = new Set(candidates.filter((segment) => this.#isDisposable(segment)));
    if (gone.size > 0) segments.remove(gone);
  }

  #isDisposable(segment: Segment): boolean {
    const { plain, gzip } = segment.places;
    return segment !== this.#options.segments.live && plain === null && gzip === null && segment.unsettledBy.size === 0;
  }

  async #walk(looks: number): Promise<boolean> {
    const { segments, maxHeldFiles, pins } = this.#options;
    await pins?.tidy();
    let changed = false;
    let failure: unknown = null;
    let held = 0;
    for (const segment of segments.all) {
      try {
        if (segment.unsettledBy.size === 0) await this.release(segment);
        else if (segment.gone === null) {
          await this.#pinSegment(segment);
          // The live file stays open, since its name passes to another; so do the oldest, which the writer deletes first.
          const wanted =
            segment === segments.live || segment.awaitsName || (segment.places.pin === null && held < maxHeldFiles);
          if (wanted) held += 1;
          await this.#hold(segment, wanted);
          changed = this.#giveUp(segment, looks) || changed;
        }
      } catch (error) {
        // One file that cannot be kept is no reason to let the others go.
        failure ??= error;
      }
    }
    this.#held = held;
    this.dispose(segments.all);
    changed = (await this.#bound()) || changed;
    if (failure !== null) throw failure;
    return changed;
  }

  async #pinSegment(segment: Segment): Promise<void> {
    const { pins, files } = this.#options;
    const { pin, plain, gzip } = segment.places;
    if (pin !== null || pins?.usable !== true) return;
    if (plain !== null && segment.key !== null) await this.usePin(segment, await this.pin(plain, segment.key, false));
    else if (gzip !== null) {
      const facts = await files.factsOf(gzip);
      if (facts !== null) await this.usePin(segment, await this.pin(gzip, facts, true));
    }
  }

  async #hold(segment: Segment, wanted: boolean): Promise<void> {
    if (segment.held === wanted) return;
    if (!wanted) {
      await segment.letGo();
      return;
    }
    try {
      await segment.hold();
    } catch (error) {
      // It has been deleted or renamed since the directory was read: the next look tells which.
      if (!isMissing(error)) throw error;
    }
  }

  /** A segment without any file is given up when another look at the directory has not found it either. */
  #giveUp(segment: Segment, looks: number): boolean {
    if (segment.reachable) {
      this.#unreachable.delete(segment);
      return false;
    }
    const since = this.#unreachable.get(segment);
    if (since === undefined) this.#unreachable.set(segment, looks);
    if (since === undefined || since >= looks) return false;
    this.#unreachable.delete(segment);
    segment.gone = segment.fate;
    this.#options.segments.changed();
    return true;
  }

  /** Lets the oldest go until the rest is within the bounds. */
  async #bound(): Promise<boolean> {
    const { segments, retention, anomaly } = this.#options;
    let changed = false;
    for (const segment of await retention.exceeding(segments.all, segments.live)) {
      if (segment.places.gzip === null) {
        segment.gone = 'retention';
        anomaly('retention', RETENTION_WORDS, { file: segment.name, bytes: segment.size });
        segments.changed();
        changed = true;
        await this.release(segment);
      } else await this.#fallBackToGzip(segment);
    }
    this.#retains = segments.all.some(
      (segment) => segment.gone === null && segment.keptBytes > 0 && segment !== segments.live,
    );
    return changed;
  }

  /** Its compressed backup is there: the plain bytes are only a convenience. */
  async #fallBackToGzip(segment: Segment): Promise<void> {
    const { pin } = segment.places;
    segment.places.pin = null;
    await segment.revoke();
    if (pin !== null) await this.#options.pins?.remove(pin);
    this.touch();
  }

  async #unlink(path: string): Promise<void> {
    try {
      await this.#options.files.unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}
