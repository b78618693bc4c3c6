import type { AgentStatus, PipelineStatus, SourceStatus } from '../inspect/status.ts';

/**
 * The status of an agent that has followed on others in this process: what is counted from the start of an agent goes
 * on from where the one before it ended, so that no counter goes back.
 */
export function carriedOn(earlier: AgentStatus | null, now: AgentStatus): AgentStatus {
  if (earlier === null) return now;
  return {
    ...now,
    startedAt: earlier.startedAt,
    sources: now.sources.map((source) => {
      const before = earlier.sources.find(({ name }) => name === source.name);
      return before === undefined ? source : sourceAfter(before, source);
    }),
    pipelines: now.pipelines.map((pipeline) => {
      const before = earlier.pipelines.find(
        ({ output, source }) => output === pipeline.output && source === pipeline.source,
      );
      return before === undefined ? pipeline : pipelineAfter(before, pipeline);
    }),
  };
}

function sourceAfter(before: SourceStatus, now: SourceStatus): SourceStatus {
  return {
    ...now,
    rotations: before.rotations + now.rotations,
    anomalies: sum(before.anomalies, now.anomalies),
  };
}

function pipelineAfter(before: PipelineStatus, now: PipelineStatus): PipelineStatus {
  return {
    ...now,
    batches: before.batches + now.batches,
    retries: before.retries + now.retries,
    duplicates: before.duplicates + now.duplicates,
    losses: sum(before.losses, now.losses),
    lastDeliveredAt: now.lastDeliveredAt === '' ? before.lastDeliveredAt : now.lastDeliveredAt,
    lastError: now.lastError ?? before.lastError,
  };
}

type ByName = Readonly<Record<string, number>>;

function sum(before: ByName, now: ByName): ByName {
  const sums = new Map(Object.entries(before));
  for (const [name, count] of Object.entries(now)) sums.set(name, (sums.get(name) ?? 0) + count);
  return Object.fromEntries(sums);
}
