import { join } from 'node:path';
import type { StdinSourceConfig } from '../config/schema.ts';
import { maxHeldFiles } from '../log/descriptors.ts';
import { LOG_FILES } from '../log/files.ts';
import { Log, type Anomaly } from '../log/log.ts';
import type { EventReference } from '../log/loss.ts';
import { Anomalies } from './log-status.ts';
import { Spool } from './spool.ts';

export type SpoolLimits = StdinSourceConfig['spool'];

export interface SpooledLogOptions {
  readonly name: string;
  readonly limits: SpoolLimits;
  readonly stateDirectory: string;
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

/** A spool, the log that it is, and what is odd about both. */
export interface SpooledLog {
  readonly spool: Spool;
  readonly log: Log;
  readonly anomalies: Anomalies;
  /** Counts what is odd, and tells it. */
  readonly note: Anomaly;
}

const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;
/** A settled file is deleted whole: a spool of few files would be full although hardly anything waits in it. */
const LEAST_SEGMENTS = 8;

/** The log of a source that has no files of its own: the spool in the state directory. */
export function createSpooledLog(options: SpooledLogOptions): SpooledLog {
  const { name, limits, stateDirectory, reference, anomaly } = options;
  const anomalies = new Anomalies();
  const spool = new Spool({
    path: join(stateDirectory, 'spool', name, 'audit.log'),
    segmentBytes: Math.min(MAX_SEGMENT_BYTES, Math.floor(limits.maxBytes / LEAST_SEGMENTS)),
    durable: limits.fsync !== 'off',
  });
  const note: Anomaly = (kind, words, fields) => {
    anomalies.count(kind);
    anomaly(kind, words, fields);
  };
  const log = new Log({
    name,
    path: spool.path,
    files: LOG_FILES,
    stateDirectory,
    pins: false,
    spool: true,
    spoolMaxBytes: limits.maxBytes,
    retention: { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } },
    maxHeldFiles: maxHeldFiles(),
    reference,
    anomaly: note,
  });
  return { spool, log, anomalies, note };
}
