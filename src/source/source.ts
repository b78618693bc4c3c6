import type { SourceStatus } from '../inspect/status.ts';
import type { Log } from '../log/log.ts';

/** A way in: it yields a log, and keeps that up to date. */
export interface Source {
  readonly name: string;
  readonly type: string;
  /** Where it reads from: what the checkpoint is tied to. */
  readonly origin: string;
  readonly log: Log;
  /** Fills and follows the log until the signal is aborted, or until there will be nothing more (the end of a pipe). */
  follow(signal: AbortSignal): Promise<void>;
  status(): SourceStatus;
}
