import type { Log } from './log.ts';
import type { Segment } from './segment.ts';

/** So many files may wait before the live one: a reader that keeps up meets them at rotations, and reads them in order. */
const USUAL_WAITING = 1;

export interface LiveFirstOptions {
  readonly log: Pick<Log, 'segments' | 'live' | 'changes'>;
  /** Whether the reader has something left to read in a segment, and can have it. */
  readonly isUnread: (segment: Segment) => boolean;
  /** Whether older files may wait now. */
  readonly mayWait: () => boolean;
}

/**
 * Which segments one reader takes before older ones. A backlog is what stands before the front: the file that was live
 * when the backlog was met. What is from there on is read in order, and before anything of the backlog.
 */
export class LiveFirst {
  readonly #options: LiveFirstOptions;
  #front: Segment | null = null;
  /** What stands before the front. */
  #backlog: WeakSet<Segment> = new WeakSet();
  /** After so many changes of the log there was no backlog. */
  #noneAt = -1;

  constructor(options: LiveFirstOptions) {
    this.#options = options;
  }

  /** The segment to be read before all others; null where that is the oldest. */
  next(): Segment | null {
    const { log, mayWait } = this.#options;
    if (this.#noneAt === log.changes) return null;
    let unread = this.#unreadFromFront();
    // What gathers behind the front is a backlog, too: the receiver was away once more.
    if (unread === null || unread.length > USUAL_WAITING + 1) {
      this.#front = this.#isBacklog() ? log.live : null;
      this.#backlog = new WeakSet(log.segments.slice(0, this.#front === null ? 0 : log.segments.indexOf(this.#front)));
      unread = this.#unreadFromFront();
    }
    if (unread === null) this.#noneAt = log.changes;
    const [next] = unread ?? [];
    return next !== undefined && mayWait() ? next : null;
  }

  /** Whether there is something to be read before the rest of this segment. */
  isOvertaken(segment: Segment): boolean {
    const { log, mayWait } = this.#options;
    const unread = this.#unreadFromFront();
    if (this.#front === null || unread === null || unread.length === 0) return false;
    const at = log.segments.indexOf(segment);
    return at !== -1 && at < log.segments.indexOf(this.#front) && mayWait();
  }

  #isBacklog(): boolean {
    const { log, isUnread } = this.#options;
    return log.segments.filter((segment) => segment !== log.live && isUnread(segment)).length > USUAL_WAITING;
  }

  /** Null where there is no front. */
  #unreadFromFront(): readonly Segment[] | null {
    const { log, isUnread } = this.#options;
    // Read and deleted: what came after it takes its place.
    if (this.#front !== null && !log.segments.includes(this.#front)) {
      const last = log.segments.findLastIndex((segment) => this.#backlog.has(segment));
      this.#front = log.segments[last + 1] ?? null;
    }
    const at = this.#front === null ? -1 : log.segments.indexOf(this.#front);
    return at === -1 ? null : log.segments.slice(at).filter(isUnread);
  }
}
