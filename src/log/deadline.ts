/** Write rate of the log, smoothed over about half a minute. */
export class WriteRate {
  #perSecond = 0;
  #pending = 0;
  #since = 0;

  /** Bytes per second, as of the last write. */
  get bytesPerSecond(): number {
    return this.#perSecond;
  }

  /** Bytes per second as they would be had the last write been looked at now: it falls while nothing is written. */
  at(nowMs: number): number {
    const seconds = (nowMs - this.#since) / 1000;
    return this.#since === 0 || seconds < 1 ? this.#perSecond : this.#blend(seconds);
  }

  /** `nowMs` never goes back further than the clock does; a step back only makes one sample longer. */
  wrote(bytes: number, nowMs: number): void {
    // In what time the first bytes were written, nobody knows.
    if (this.#since === 0) {
      this.#since = nowMs;
      return;
    }
    this.#pending += Math.max(0, bytes);
    const seconds = (nowMs - this.#since) / 1000;
    if (seconds < 1) {
      if (seconds < 0) this.#since = nowMs;
      return;
    }
    this.#perSecond = this.#blend(seconds);
    this.#pending = 0;
    this.#since = nowMs;
  }

  #blend(seconds: number): number {
    const weight = this.#perSecond === 0 ? 1 : 1 - Math.exp(-seconds / SMOOTHING_SECONDS);
    return this.#perSecond + weight * (this.#pending / seconds - this.#perSecond);
  }
}

const SMOOTHING_SECONDS = 30;

export interface DeadlineFacts {
  readonly bytesPerSecond: number;
  /** Size at which the writer rotates, as far as seen. */
  readonly segmentBytes: number;
  readonly liveBytes: number;
  readonly backups: number;
  /** How many backups the writer keeps; null until it has been seen to delete one. */
  readonly backupLimit: number | null;
  /** Backups that the writer will delete before the one that is unread; null where it has deleted that already. */
  readonly olderBackups: number | null;
  /** What the agent itself may keep beyond that, and what it keeps now. */
  readonly retainBytes: number;
  readonly retainedBytes: number;
}

/** Estimated seconds until what is unread is taken away, at the present rate; null where nothing is known. */
export function secondsLeft(facts: DeadlineFacts): number | null {
  if (facts.backupLimit === null || facts.bytesPerSecond <= 0) return null;
  const { olderBackups } = facts;
  const rotations = olderBackups === null ? 0 : Math.max(0, facts.backupLimit - facts.backups + olderBackups + 1);
  const writer = Math.max(0, rotations * facts.segmentBytes - facts.liveBytes);
  const agent = Math.max(0, facts.retainBytes - facts.retainedBytes);
  return (writer + agent) / facts.bytesPerSecond;
}
