import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditLog } from './audit-log.ts';
import type { Random } from './random.ts';
import { type RecordedEvent, timeText } from './recorded-event.ts';

export interface WriterOptions {
  readonly log: Pick<AuditLog, 'write'>;
  readonly events: readonly RecordedEvent[];
  readonly random: Random;
  /** Microseconds since the epoch. */
  readonly nowMicros?: () => number;
  /** Is given every line, its newline included, before it is written. */
  readonly onLine?: (line: Buffer) => void;
}

export interface Pace {
  /** One of the two. */
  readonly eventsPerSecond?: number;
  readonly bytesPerSecond?: number;
  readonly durationMs: number;
  readonly signal?: AbortSignal;
}

/** How long a paced writer sleeps between two bursts of writes. */
const TICK_MS = 10;

/**
 * Writes recorded events over and over, each time with an audit id and times of its own and otherwise byte by byte as
 * they were recorded: no two lines it writes are equal. The same seed and clock give the same lines.
 */
export class EventWriter {
  readonly #options: WriterOptions;
  readonly #nowMicros: () => number;
  #next = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#nowMicros = options.nowMicros ?? systemMicros();
  }

  /** The next line, stamped with the time of now. */
  nextLine(): Buffer {
    const event = this.#options.events[this.#next % this.#options.events.length];
    if (event === undefined) throw new RangeError('there are no recorded events to write');
    this.#next += 1;
    return this.#stamp(event);
  }

  /** Writes so many events at once. Returns how many bytes they had. */
  write(count = 1): number {
    let bytes = 0;
    for (let written = 0; written < count; written += 1) {
      // Stamped before the write: a rotation inside it happens later, as with the API server.
      const line = this.nextLine();
      this.#options.onLine?.(line);
      this.#options.log.write(line);
      bytes += line.length;
    }
    return bytes;
  }

  /** Writes at an even pace for a while, or until the signal. What a busy machine delays is caught up in a burst. */
  async run(pace: Pace): Promise<void> {
    if (pace.eventsPerSecond === undefined && pace.bytesPerSecond === undefined)
      throw new TypeError('a pace is needed');
    const begin = performance.now();
    let events = 0;
    let bytes = 0;
    for (;;) {
      const elapsedMs = performance.now() - begin;
      if (elapsedMs >= pace.durationMs || pace.signal?.aborted === true) return;
      const dueEvents = ((pace.eventsPerSecond ?? Number.POSITIVE_INFINITY) * elapsedMs) / 1000;
      const dueBytes = ((pace.bytesPerSecond ?? Number.POSITIVE_INFINITY) * elapsedMs) / 1000;
      while (events < dueEvents && bytes < dueBytes) {
        bytes += this.write();
        events += 1;
      }
      await sleep(TICK_MS);
    }
  }

  #stamp(event: RecordedEvent): Buffer {
    const line = Buffer.from(event.line);
    const now = this.#nowMicros();
    line.write(this.#options.random.uuid(), event.auditIdAt, 'latin1');
    line.write(timeText(now - event.tookMicros), event.receivedAt, 'latin1');
    line.write(timeText(now), event.stageAt, 'latin1');
    return line;
  }
}

/** The clock that also names the backups, made finer by counting what falls into the same millisecond. */
export function systemMicros(): () => number {
  let last = 0;
  return () => {
    const now = Date.now() * 1000;
    last = last >= now && last < now + 999 ? last + 1 : now;
    return last;
  };
}
