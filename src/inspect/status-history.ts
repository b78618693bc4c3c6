import type { AgentStatus, PipelineStatus } from './status.ts';

/** How a pipeline has fared lately. Series are oldest first, one number for each look but the first. */
export interface Trend {
  readonly eventsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly eventRates: readonly number[];
  readonly lagBytes: readonly number[];
}

interface Look {
  readonly atMs: number;
  readonly readEvents: number;
  readonly readBytes: number;
  readonly lagBytes: number;
}

/** Closer looks than this give rates that say nothing. */
const MIN_GAP_MS = 200;

/** The last looks at an agent's status: what rates and spark lines are made of. Bounded, and only as old as who looks. */
export class StatusHistory {
  readonly #max: number;
  #looks = new Map<string, readonly Look[]>();

  constructor(max = 30) {
    this.#max = max;
  }

  add({ pipelines }: AgentStatus, atMs: number): void {
    const next = new Map<string, readonly Look[]>();
    for (const pipeline of pipelines) {
      const key = keyOf(pipeline);
      const looks = this.#looks.get(key) ?? [];
      const last = looks.at(-1);
      const { totals, lagBytes } = pipeline;
      const look = { atMs, readEvents: totals.readEvents, readBytes: totals.readBytes, lagBytes };
      const isClose = last !== undefined && Math.abs(atMs - last.atMs) < MIN_GAP_MS;
      next.set(key, isClose ? looks : [...looks, look].slice(-this.#max - 1));
    }
    this.#looks = next;
  }

  of(pipeline: Pick<PipelineStatus, 'source' | 'output'>): Trend {
    const looks = this.#looks.get(keyOf(pipeline)) ?? [];
    const steps = looks.slice(1).map((look, at) => [looks[at] as Look, look] as const);
    const eventRates = steps.map(([before, after]) => rate(before, after, 'readEvents'));
    const last = steps.at(-1);
    return {
      eventsPerSecond: eventRates.at(-1) ?? 0,
      bytesPerSecond: last === undefined ? 0 : rate(...last, 'readBytes'),
      eventRates,
      lagBytes: steps.map(([, { lagBytes }]) => lagBytes),
    };
  }
}

/** After a crash the counts begin a little before where they ended: no rate is below zero. */
function rate(before: Look, after: Look, count: 'readEvents' | 'readBytes'): number {
  const seconds = (after.atMs - before.atMs) / 1000;
  return seconds <= 0 ? 0 : Math.max(0, (after[count] - before[count]) / seconds);
}

function keyOf({ source, output }: Pick<PipelineStatus, 'source' | 'output'>): string {
  return JSON.stringify([source, output]);
}
