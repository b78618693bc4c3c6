import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AgentStatus } from '../inspect/status.ts';
import type { Measure } from './measure.ts';
import { MEASURES } from './measures.ts';

/** The event loop's lag is measured by a timer, and prom-client's own choice of 10 ms keeps an idle agent awake. */
const LOOP_LOOK_MS = 1000;

/** The Prometheus side of the agent. Nothing outside of this file knows of prom-client. */
export interface Metrics {
  readonly contentType: string;
  /** The text of /metrics. */
  render(): Promise<string>;
  /** Notes one request: how long it took, how large its body was before compression, and what came of it. */
  observeSend(output: string, seconds: number, bytes: number, result: string): void;
  /** Name, type and meaning of every metric: what docs/metrics.md lists. */
  describe(): Promise<readonly MetricDescription[]>;
}

export interface MetricDescription {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** `status` gives undefined while the agent is starting; its metrics are left out then. */
export function createMetrics(status: () => AgentStatus | undefined): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS });
  // One snapshot for all measures of a scrape, so that they add up.
  let snapshot: AgentStatus | undefined;
  for (const measure of MEASURES) register(measure, registry, () => snapshot);
  const seconds = new Histogram({
    name: 'auditail_send_duration_seconds',
    help: 'How long requests took, by what came of them.',
    labelNames: ['output', 'result'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  const bytes = new Histogram({
    name: 'auditail_send_size_bytes',
    help: 'Size of requests, before compression.',
    labelNames: ['output'],
    buckets: [4, 16, 64, 256, 1024, 4096, 16_384, 65_536].map((kib) => kib * 1024),
    registers: [registry],
  });
  return {
    contentType: registry.contentType,
    async render() {
      snapshot = status();
      return registry.metrics();
    },
    observeSend(output, took, size, result) {
      seconds.observe({ output, result }, took);
      bytes.observe({ output }, size);
    },
    async describe() {
      const metrics = await registry.getMetricsAsJSON();
      const labels = new Map<string, readonly string[]>([
        ...MEASURES.map((measure): [string, readonly string[]] => [measure.name, measure.labels]),
        ['auditail_send_duration_seconds', ['output', 'result']],
        ['auditail_send_size_bytes', ['output']],
      ]);
      return metrics.map(({ name, type, help }) => ({
        name,
        type: String(type),
        help,
        labels: labels.get(name) ?? [],
      }));
    },
  };
}

function register(measure: Measure, registry: Registry, snapshot: () => AgentStatus | undefined): void {
  const { name, help, labels, samples } = measure;
  const settings = { name, help, labelNames: [...labels], registers: [registry] };
  const read = () => {
    const status = snapshot();
    return status === undefined ? [] : samples(status);
  };
  if (measure.type === 'gauge') {
    // oxlint-disable-next-line no-new -- it registers itself
    new Gauge({
      ...settings,
      collect() {
        this.reset();
        for (const sample of read()) this.set({ ...sample.labels }, sample.value);
      },
    });
    return;
  }
  // oxlint-disable-next-line no-new -- it registers itself
  new Counter({
    ...settings,
    collect() {
      this.reset();
      for (const sample of read()) this.inc({ ...sample.labels }, sample.value);
    },
  });
}
