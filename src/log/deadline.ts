/** Write rate of the log, smoothed over about half a minute. */
export class WriteRate {
  #perSecond = 0;
  #pending = 0;
  #since = 0;

  /** Bytes per second, as of the last write. */
  get bytesPerSecond(): number {
    return this.#perSecond;
  }

  /** `nowMs` never goes back further than the clock does; a step back only makes one sample longer. */
  wrote(bytes: number, nowMs: number): void {
    if (this.#since === 0) this.#since = nowMs;
    this.#pending += bytes;
    const seconds = (nowMs - this.#since) / 1000;
    if (seconds < 1) {
      if (seconds < 0) this.#since = nowMs;
      return;
    }
    const weight = this.#perSecond === 0 ? 1 : 1 - Math.exp(-seconds / SMOOTHING_SECONDS);
    this.#perSecond += weight * (this.#pending / seconds - this.#perSecond);
    this.#pending = 0;
    this.#since = nowMs;
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
  /** Backups that the writer will delete before the one that is unread. */
  readonly olderBackups: number;
  /** What the agent itself may keep beyond that, and what it keeps now. */
  readonly retainBytes: number;
  readonly retainedBytes: number;
}

/** Estimated seconds until what is unread is taken away, at the present rate; null where nothing is known. */
export function secondsLeft(facts: DeadlineFacts): number | null {
  if (facts.backupLimit === null || facts.bytesPerSecond <= 0) return null;
  const rotations = Math.max(0, facts.backupLimit - facts.backups + facts.olderBackups + 1);
  const writer = Math.max(0, rotations * facts.segmentBytes - facts.liveBytes);
  const agent = Math.max(0, facts.retainBytes - facts.retainedBytes);
  return (writer + agent) / facts.bytesPerSecond;
}
