import type { Anomaly, Log } from '../log/log.ts';
import type { Spool } from './spool.ts';
import type { SpoolLimits, SpooledLog } from './spooled-log.ts';

/** The outputs settle files at their own pace: so often it is looked whether there is room, at the latest. */
const RETRY_MS = 500;

/** The bound on a spool, and what is done when it is reached. What a spool holds beyond it is never more than one line. */
export class SpoolSpace {
  readonly #log: Log;
  readonly #spool: Spool;
  readonly #limits: SpoolLimits;
  readonly #note: Anomaly;
  #full = false;

  constructor({ log, spool, note }: Pick<SpooledLog, 'log' | 'spool' | 'note'>, limits: SpoolLimits) {
    this.#log = log;
    this.#spool = spool;
    this.#limits = limits;
    this.#note = note;
  }

  /** Waits until there is room, or makes it, as the configuration says. */
  async take(needed: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.tryToTake(needed))) await this.#log.pulse.wait(RETRY_MS, signal);
  }

  /** Whether there is room, or some could be made. */
  async tryToTake(needed: number): Promise<boolean> {
    const { maxBytes, whenFull } = this.#limits;
    while (this.#bytes() + needed > maxBytes && this.#closedFiles() > 0) {
      if (!this.#full) this.#note('spool-full', 'the spool is full', { maxBytes, whenFull });
      this.#full = true;
      if (whenFull === 'block') return false;
      await this.#log.dropOldest();
      await this.#log.refresh(true);
    }
    if (this.#bytes() + needed <= maxBytes) this.#full = false;
    return true;
  }

  /** The log may not have seen yet how long the live file has become; the spool knows. */
  #bytes(): number {
    const { live, segments } = this.#log;
    return segments.reduce(
      (sum, segment) =>
        sum + (segment !== live && segment.gone === null && segment.places.plain !== null ? segment.size : 0),
      this.#spool.size,
    );
  }

  /** Those that can be settled and deleted, or dropped; the live file goes on to its end. */
  #closedFiles(): number {
    const { live, segments } = this.#log;
    return segments.filter((segment) => segment !== live && segment.gone === null && segment.places.plain !== null)
      .length;
  }
}
