import type { Counts } from '../state/checkpoint.ts';

/** What `auditail status` and `/status` show: a snapshot of the running agent. No event content, no secrets. */
export interface AgentStatus {
  readonly version: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly stateDirectory: string;
  readonly sources: readonly SourceStatus[];
  readonly pipelines: readonly PipelineStatus[];
  readonly deadLetters: readonly DeadLetterStatus[];
  /** Of an agent that takes changes of its configuration while it runs. */
  readonly configuration?: ConfigurationStatus;
  /** Alert rules at work, one entry for each source; none where there are no alerts. */
  readonly alerts?: readonly AlertStatus[];
  /** Bytes of the trail in memory now, and their bound. */
  readonly memory: { readonly usedBytes: number; readonly maxBytes: number };
}

export interface ConfigurationStatus {
  /** When the one that runs was read, RFC 3339. */
  readonly loadedAt: string;
  /** How often another one was gone over to, and how often one was refused, since the start. */
  readonly reloads: number;
  readonly failures: number;
  /** Why the newest one on disk does not run; null where it does. */
  readonly refused: { readonly at: string; readonly reason: string } | null;
}

export interface SourceStatus {
  readonly name: string;
  readonly type: string;
  /** The file that is followed, `-` for a pipe. */
  readonly origin: string;
  /** Whether the log is there and readable; `words` says what is wrong where it is not. */
  readonly readable: boolean;
  readonly words: string;
  readonly segments: number;
  readonly bytes: number;
  /** Write rate of the log, smoothed over about half a minute. */
  readonly bytesPerSecond: number;
  readonly rotations: number;
  readonly pinnedFiles: number;
  readonly pinnedBytes: number;
  readonly openDeletedBytes: number;
  /** What went wrong with the log and was dealt with, by kind (`torn`, `nul`, `truncated`, `replaced`, `clock` …). */
  readonly anomalies: Readonly<Record<string, number>>;
}

export interface PipelineStatus {
  readonly output: string;
  readonly source: string;
  readonly type: string;
  readonly destination: string;
  /** `holding`: somebody has to mend something, `words` says what. Nothing is given up meanwhile. */
  readonly state: 'starting' | 'idle' | 'shipping' | 'retrying' | 'holding' | 'stopped';
  readonly reason: string;
  readonly words: string;
  /** Bytes of the log (uncompressed; estimated for unread gzip) that are not settled. */
  readonly lagBytes: number;
  /** Age of the oldest event that is not settled; 0 where there is none. */
  readonly lagSeconds: number;
  /** Estimated seconds until the writer (or the bound on retention) takes away what is unread; null where unknown. */
  readonly deadlineSeconds: number | null;
  /** What was last in the way, also after it was overcome; null where nothing was since the start. */
  readonly lastError: LastError | null;
  readonly inFlight: number;
  readonly batches: number;
  readonly retries: number;
  readonly duplicates: number;
  /** Hash of the filter that judges now. */
  readonly filter?: string;
  /** Where the source has a `maxReadRate`. */
  readonly readLimit?: ReadLimitStatus;
  readonly totals: Counts;
  /** Loss records by reason. */
  readonly losses: Readonly<Record<string, number>>;
  readonly position: { readonly segment: string; readonly name: string; readonly offset: number } | null;
  /** RFC 3339, empty where nothing has been delivered yet. */
  readonly lastDeliveredAt: string;
}

export interface ReadLimitStatus {
  /** Bytes per second, as configured. */
  readonly maxReadRate: number;
  /** Whether it is set aside now, lest a file be gone before it is read. */
  readonly givesWay: boolean;
  /** Time for which reading has been held back since the start. */
  readonly heldBackSeconds: number;
}

export interface LastError {
  /** RFC 3339. */
  readonly at: string;
  readonly reason: string;
  readonly words: string;
}

export interface DeadLetterStatus {
  readonly output: string;
  readonly records: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** The alert rules over one source. */
export interface AlertStatus {
  readonly source: string;
  readonly rules: readonly AlertRuleStatus[];
  readonly receivers: readonly AlertReceiverStatus[];
  /** When the rules were read, RFC 3339; and what is wrong with the files now, where that is so. */
  readonly loadedAt: string;
  readonly words: string;
  /** Conditions that failed on an event since the rules were read: such an event does not match. */
  readonly failures: number;
}

export interface AlertRuleStatus {
  readonly name: string;
  readonly severity: string;
  readonly kind: string;
  readonly enabled: boolean;
  /** Of this run. */
  readonly matches: number;
  readonly notifications: number;
  /** Matches that came later than the tolerance. */
  readonly late: number;
  /** Alerts that go on now. */
  readonly firing: number;
  /** Groups in memory, and those that were forgotten because there were too many. */
  readonly groups: number;
  readonly evicted: number;
  /** When the event was made that an alert rested on last, also if that is over; RFC 3339, empty where there was none. */
  readonly lastAt: string;
}

export interface AlertReceiverStatus {
  readonly name: string;
  readonly type: string;
  readonly state: 'idle' | 'retrying' | 'holding';
  readonly reason: string;
  readonly words: string;
  readonly pending: number;
  /** Of this run. */
  readonly told: number;
  readonly retries: number;
  readonly setAside: number;
  /** RFC 3339; empty where there was none. */
  readonly lastToldAt: string;
}
