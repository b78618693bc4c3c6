import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import type { AuditailError } from '../errors.ts';
import type { AgentStatus } from './status.ts';

/** How an agent ended. */
export interface AgentEnd {
  /** `drained`: all that had been read was settled; `stopped`: what was in flight stands in the checkpoint. */
  readonly outcome: 'drained' | 'stopped' | 'failed';
  /** Whether anything was recorded as lost in this run. */
  readonly lost: boolean;
  readonly error?: AuditailError;
}

/** A running agent, for the commands. */
export interface AgentHandle {
  status(): AgentStatus;
  readonly ended: Promise<AgentEnd>;
  /** The first call lets what is in flight finish within `shutdownGrace`; a second one stops at once. */
  stop(): void;
}

export interface AgentOptions {
  /** `ship` ends when all that is there has been delivered. A pipe ends by itself in either. */
  readonly mode: 'run' | 'ship';
  readonly logger: Logger;
  readonly version: string;
  /** Told of each request to an output. */
  readonly onSend?: (output: string, seconds: number, bytes: number, result: 'stored' | 'again') => void;
  /** Answers requests on the Unix socket in the state directory. */
  readonly onRequest?: (status: () => AgentStatus) => RequestListener;
}
