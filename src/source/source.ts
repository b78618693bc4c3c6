import type { SourceStatus } from '../inspect/status.ts';
import type { Log } from '../log/log.ts';

/** Why a source is not to be followed any longer. */
export class Stopped extends Error {
  /** Whether another agent of this process takes over: a pipe then stays open, and nothing read from it is dropped. */
  readonly handedOver: boolean;

  constructor(handedOver: boolean) {
    super('the source is followed no longer');
    this.handedOver = handedOver;
  }
}

/** A way in: it yields a log, and keeps that up to date. */
export interface Source {
  readonly name: string;
  readonly type: string;
  /** Where it reads from: what the checkpoint is tied to. */
  readonly origin: string;
  readonly log: Log;
  /** Fills and follows the log until the signal is aborted, or until there will be nothing more (the end of a pipe). The signal's reason may be `Stopped`. */
  follow(signal: AbortSignal): Promise<void>;
  /** Whether all that is there has come into the log, for a run that ends then; a source without it always has. */
  caughtUp?(): boolean;
  status(): SourceStatus;
}
