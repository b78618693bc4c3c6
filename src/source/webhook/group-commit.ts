import { messageOf } from '../../errors.ts';
import type { Anomaly, Log } from '../../log/log.ts';
import type { Spool } from '../spool.ts';
import type { SpoolSpace } from '../spool-space.ts';
import type { SpooledLog, SpoolLimits } from '../spooled-log.ts';

/** What became of a post: only `stored` may be acknowledged. */
export type Commit = 'stored' | 'full' | 'failed';

interface Waiting {
  readonly lines: Buffer;
  readonly settle: (commit: Commit) => void;
}

/** A group holds no more, but for a single post that is larger. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

/**
 * Writes posts to the spool, and answers for them only once they are on disk. Those that come while a write is forced to
 * disk wait, and are written together next: a hundred posts at a time do not mean a hundred forced writes.
 */
export class GroupCommit {
  readonly #spool: Spool;
  readonly #log: Log;
  readonly #space: SpoolSpace;
  readonly #fsync: SpoolLimits['fsync'];
  readonly #note: Anomaly;
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #failing = false;
  #groups = 0;

  constructor({ spool, log, note }: SpooledLog, space: SpoolSpace, fsync: SpoolLimits['fsync']) {
    this.#spool = spool;
    this.#log = log;
    this.#space = space;
    this.#fsync = fsync;
    this.#note = note;
  }

  /** How many groups have been written. */
  get groups(): number {
    return this.#groups;
  }

  add(lines: Buffer): Promise<Commit> {
    return new Promise((settle) => {
      this.#waiting.push({ lines, settle });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#next();
      const commit = await this.#commit(group.map(({ lines }) => lines));
      for (const { settle } of group) settle(commit);
      // The next write begins only when the log has seen this one: what is taken back then was never seen.
      await this.#log.refresh();
    }
    this.#running = null;
  }

  #next(): Waiting[] {
    const limit = this.#fsync === 'each' ? 1 : this.#waiting.length;
    let bytes = 0;
    let count = 0;
    while (count < limit) {
      bytes += (this.#waiting[count] as Waiting).lines.length;
      if (count > 0 && bytes > MAX_GROUP_BYTES) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Buffer[]): Promise<Commit> {
    const spool = this.#spool;
    try {
      if (!(await this.#space.tryToTake(group.reduce((sum, { length }) => sum + length, 0)))) return 'full';
      if (spool.isDue) {
        await spool.rotate();
        await this.#log.refresh(true);
      }
    } catch (error) {
      return this.#fails(error);
    }
    const before = spool.size;
    try {
      for (const lines of group) await spool.appendWhole(lines);
      await spool.sync();
    } catch (error) {
      await spool.takeBack(before);
      return this.#fails(error);
    }
    this.#groups += 1;
    this.#failing = false;
    return 'stored';
  }

  #fails(error: unknown): Commit {
    const words = 'the spool cannot be written: posts are refused, and the API server keeps and repeats them';
    if (!this.#failing) this.#note('spool-unwritable', words, { reason: messageOf(error) });
    this.#failing = true;
    return 'failed';
  }
}
