import type { AgentStatus } from '../inspect/status.ts';

type Labels = Readonly<Record<string, string>>;

/** One number of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** A metric that is read off the agent's status when somebody asks for it. */
export interface Measure {
  readonly name: `auditail_${string}`;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: (status: AgentStatus) => readonly Sample[];
}
