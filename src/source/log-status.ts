import type { SourceStatus } from '../inspect/status.ts';
import type { Log } from '../log/log.ts';

/** Counts what was odd about a log, by kind. */
export class Anomalies {
  readonly #counts = new Map<string, number>();

  count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

export function logStatus(name: string, type: string, origin: string, log: Log, anomalies: Anomalies): SourceStatus {
  const retained = log.retention.retained(log.segments);
  return {
    name,
    type,
    origin,
    readable: log.readable,
    words: log.words,
    segments: log.segments.length,
    bytes: log.segments.reduce((sum, { size }) => sum + size, 0),
    bytesPerSecond: Math.round(log.rate.bytesPerSecond),
    rotations: log.rotations,
    pinnedFiles: retained.files,
    pinnedBytes: retained.bytes - retained.openDeletedBytes,
    openDeletedBytes: retained.openDeletedBytes,
    anomalies: anomalies.counts,
  };
}
