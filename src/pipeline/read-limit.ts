import type { ReadLimitStatus } from '../inspect/status.ts';
import { type PipelineNotes, Repeats } from './notes.ts';

/** What presses a reader of the log on. */
export interface Pressure {
  /** What the log grows by, bytes per second. */
  readonly bytesPerSecond: number;
  /** Until the oldest file that is not settled may be gone, at the soonest; null where nothing points to that. */
  readonly secondsLeft: number | null;
  /** Bytes of it that have not been read. */
  readonly unreadBytes: number;
}

export interface ReadLimitOptions {
  readonly output: string;
  /** Bytes per second. */
  readonly maxReadRate: number | 'off';
  readonly pressure: () => Pressure;
  readonly notes: PipelineNotes;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** What was not read in time may be read after it, up to so much of it: a short burst of new events need not wait. */
const BURST_SECONDS = 0.25;
/** Reading slower than the log grows would never come to its end, and lose it file by file. */
const LEAST_SHARE_OF_GROWTH = 1.25;
/** The write rate is an estimate, and rotations come in bursts: so much time, and twice what is needed, has to be left. */
const LEAST_SECONDS = 30;
const LEAST_FACTOR = 2;
const LOOK_MS = 100;
/** The longest wait before the pressure is looked at again, ms. */
const LONGEST_MS = 500;

/**
 * Bounds how fast one output reads its source, so that a backlog does not starve the node. It never costs an event: it
 * is raised to what the log grows by, and given up while a file might go before it is read.
 */
export class ReadLimit {
  readonly #options: ReadLimitOptions;
  readonly #repeats = new Repeats();
  /** Bytes that may be read now; below zero, what has been read too early. */
  #tokens = 0;
  #filledAt: number | null = null;
  #rate = 0;
  #givesWay = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #waitingSince: number | null = null;
  #heldBackMs = 0;

  constructor(options: ReadLimitOptions) {
    this.#options = options;
  }

  /** Null where there is none. */
  get status(): ReadLimitStatus | null {
    const { maxReadRate } = this.#options;
    if (maxReadRate === 'off') return null;
    return { maxReadRate, givesWay: this.#givesWay, heldBackSeconds: this.#heldBackMs / 1000 };
  }

  /** How long to wait before the next read, ms; it may be asked earlier. 0 where it may read on. */
  waitMs(): number {
    const { maxReadRate, now } = this.#options;
    if (maxReadRate === 'off') return 0;
    const nowMs = now();
    if (this.#waitingSince !== null) this.#heldBackMs += nowMs - this.#waitingSince;
    this.#waitingSince = null;
    this.#fill(nowMs, maxReadRate);
    if (nowMs - this.#lookedAt >= LOOK_MS) this.#look(nowMs, maxReadRate);
    if (this.#givesWay) this.#tokens = Math.max(0, this.#tokens);
    if (this.#tokens >= 0) return 0;
    this.#waitingSince = nowMs;
    return Math.min(LONGEST_MS, Math.ceil((-this.#tokens / this.#rate) * 1000));
  }

  /** So many bytes have been read. */
  took(bytes: number): void {
    if (this.#options.maxReadRate !== 'off') this.#tokens -= bytes;
  }

  #fill(nowMs: number, maxReadRate: number): void {
    this.#rate = Math.max(this.#rate, maxReadRate);
    const seconds = Math.max(0, nowMs - (this.#filledAt ?? nowMs)) / 1000;
    this.#filledAt = nowMs;
    this.#tokens = Math.min(this.#rate * BURST_SECONDS, this.#tokens + this.#rate * seconds);
  }

  #look(nowMs: number, maxReadRate: number): void {
    const { pressure, notes, output } = this.#options;
    this.#lookedAt = nowMs;
    const { bytesPerSecond, secondsLeft, unreadBytes } = pressure();
    this.#rate = Math.max(maxReadRate, LEAST_SHARE_OF_GROWTH * bytesPerSecond);
    const needed = Math.max(LEAST_SECONDS, (LEAST_FACTOR * unreadBytes) / this.#rate);
    this.#givesWay = unreadBytes > 0 && secondsLeft !== null && secondsLeft < needed;
    if (!this.#givesWay || this.#repeats.due('gives way') === null) return;
    const fields = { output, maxReadRate, secondsLeft: Math.round(secondsLeft as number) };
    notes.warn('maxReadRate gives way: files might be gone before they are read', fields);
  }
}
