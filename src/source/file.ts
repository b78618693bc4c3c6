import type { FileSourceConfig } from '../config/schema.ts';
import { parseFree } from '../config/quantity.ts';
import { maxHeldFiles } from '../log/descriptors.ts';
import { LOG_FILES } from '../log/files.ts';
import { Log, type Anomaly } from '../log/log.ts';
import type { EventReference } from '../log/loss.ts';
import { DirectoryWakeUp } from '../log/wake-up.ts';
import { Anomalies, logStatus } from './log-status.ts';
import type { Source } from './source.ts';

export interface FileSourceOptions {
  readonly config: FileSourceConfig;
  readonly stateDirectory: string;
  /** How soon new events should be seen while they come: derived from the shortest `maxDelay`. */
  readonly activePollMs: number;
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

/** The safety net under the watch on the directory. */
const IDLE_POLL_MS = 5000;
/** Without growth for so long the log counts as idle, and the watch takes over from the timer. */
const QUIET_MS = 2000;

/** The file that `--audit-log-path` names, with its backups. */
export function createFileSource({
  config,
  stateDirectory,
  activePollMs,
  reference,
  anomaly,
}: FileSourceOptions): Source {
  const anomalies = new Anomalies();
  const tell: Anomaly = (kind, words, fields) => {
    anomalies.count(kind);
    anomaly(kind, words, fields);
  };
  const log = new Log({
    name: config.name,
    path: config.path,
    files: LOG_FILES,
    stateDirectory,
    pins: config.retain.pins === 'auto',
    retention: { maxBytes: config.retain.maxBytes, minFree: parseFree(config.retain.minFree) },
    spool: false,
    maxHeldFiles: maxHeldFiles(),
    reference,
    anomaly: tell,
  });
  const watchFailed = (error: unknown) =>
    tell('no-watch', 'the directory cannot be watched; it is looked at every few seconds instead', {
      directory: log.names.directory,
      reason: error instanceof Error ? error.message : String(error),
    });
  return {
    name: config.name,
    type: config.type,
    origin: config.path,
    log,
    follow: (signal) =>
      log.follow(signal, {
        activeMs: activePollMs,
        idleMs: IDLE_POLL_MS,
        quietMs: QUIET_MS,
        wake: new DirectoryWakeUp(log.names.directory, log.names.path(log.names.live), watchFailed),
      }),
    status: () => logStatus(config.name, config.type, config.path, log, anomalies),
  };
}
