import type { Anomaly, Log } from '../log/log.ts';
import type { SpoolLimits, SpooledLog } from './spooled-log.ts';

/** The outputs settle files at their own pace: so often it is looked whether there is room, at the latest. */
const RETRY_MS = 500;

/** The bound on a spool, and what is done when it is reached. What a spool holds beyond it is never more than one line. */
export class SpoolSpace {
  readonly #log: Log;
  readonly #limits: SpoolLimits;
  readonly #note: Anomaly;
  #full = false;

  constructor({ log, note }: Pick<SpooledLog, 'log' | 'note'>, limits: SpoolLimits) {
    this.#log = log;
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

  #bytes(): number {
    return this.#log.segments.reduce(
      (sum, { gone, places, size }) => sum + (gone === null && places.plain !== null ? size : 0),
      0,
    );
  }

  /** Those that can be settled and deleted, or dropped; the live file goes on to its end. */
  #closedFiles(): number {
    const { live, segments } = this.#log;
    return segments.filter((segment) => segment !== live && segment.gone === null && segment.places.plain !== null)
      .length;
  }
}
