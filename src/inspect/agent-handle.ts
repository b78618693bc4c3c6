import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import type { AuditailError } from '../errors.ts';
import type { PreparedFilter } from '../filter/create-filter.ts';
import type { StateLock } from '../state/lock.ts';
import type { StateDirectory } from '../state/state-directory.ts';
import type { AgentStatus } from './status.ts';

/** How an agent ended. */
export interface AgentEnd {
  /** `drained`: all that had been read was settled; `stopped`: what was in flight stands in the checkpoint. */
  readonly outcome: 'drained' | 'stopped' | 'failed';
  /** Whether anything was recorded as lost in this run. */
  readonly lost: boolean;
  readonly error?: AuditailError;
}

/** What an agent owns alone, and may hand over to the next one of this process. */
export interface Held {
  readonly directory: StateDirectory;
  readonly lock: StateLock;
}

export interface HandedOver {
  readonly end: AgentEnd;
  /** Null where it had ended by itself before, and given it back. */
  readonly held: Held | null;
}

/** A running agent, for the commands. */
export interface AgentHandle {
  status(): AgentStatus;
  readonly ended: Promise<AgentEnd>;
  /** The first call lets what is in flight finish within `shutdownGrace`; a second one stops at once. */
  stop(): void;
  /** As the first `stop`; but what it held is not given back, and a pipe stays open: for the agent that follows. */
  handOver(): Promise<HandedOver>;
  /** From the next batch of each output on, these filters judge; outputs that are not named keep theirs. */
  useFilters(filters: ReadonlyMap<string, PreparedFilter>): void;
}

export interface AgentOptions {
  /** `ship` ends when all that is there has been delivered. A pipe ends by itself in either. */
  readonly mode: 'run' | 'ship';
  readonly logger: Logger;
  readonly version: string;
  /** By name of the output; where one is missing, it is read from the configuration. */
  readonly filters?: ReadonlyMap<string, PreparedFilter>;
  /** What an agent before this one has handed over. It is not given back where the agent cannot be started. */
  readonly held?: Held;
  /** Awaited when all is open, right before the logs are looked at for the first time. */
  readonly beforeFirstLook?: () => Promise<void>;
  /** Told of each request to an output. */
  readonly onSend?: (output: string, seconds: number, bytes: number, result: 'stored' | 'again') => void;
  /** Answers requests on the Unix socket in the state directory. */
  readonly onRequest?: (status: () => AgentStatus) => RequestListener;
}
