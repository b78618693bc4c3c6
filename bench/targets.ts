/**
 * What the program is meant to reach, and whether it does: from the figures of a run, by nobody's hand.
 */
import { figure, median, table } from './figures.ts';

/** Figures of one shipper in one scenario, by what they are called in the tables, one set a round. */
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly figures: readonly Readonly<Record<string, number>>[];
}

export type Results = Readonly<Record<string, readonly Row[]>>;

interface Target {
  readonly what: string;
  readonly limit: number;
  readonly unit: string;
  /** Whether more is better. */
  readonly atLeast?: boolean;
  /** Not a number where it was not measured. */
  readonly measured: (results: Results) => number;
}

export const OWN = 'auditail';

const TARGETS: readonly Target[] = [
  cost('Elasticsearch, content ids, plain', 2.6, 'auditail-es'),
  {
    what: 'the same: throughput, times that of the fastest peer',
    limit: 2.5,
    unit: '×',
    atLeast: true,
    measured: (results) => of(results, 'catch-up', 'auditail-es', 'MB/s') / fastestPeer(results),
  },
  cost('Elasticsearch, content ids, gzip', 7, 'auditail-es-gzip'),
  {
    what: 'the same: throughput',
    limit: 200,
    unit: 'MB/s',
    atLeast: true,
    measured: (results) => of(results, 'catch-up', 'auditail-es-gzip', 'MB/s'),
  },
  cost('Loki, snappy', 3.5, 'auditail-loki'),
  cost('HTTP ndjson, plain', 2, 'auditail-http'),
  {
    what: 'typical filter: CPU, times that without a filter',
    limit: 1,
    unit: '×',
    measured: (results) =>
      of(results, 'filter', 'auditail-es-typical', 'CPU-s/GB') / of(results, 'catch-up', 'auditail-es', 'CPU-s/GB'),
  },
  memory('peak RSS at full speed, plain', 150, ['auditail-es', 'auditail-http', 'auditail-loki']),
  memory('peak RSS at full speed, gzip', 180, ['auditail-es-gzip']),
  at('RSS when idle', 90, 'MB', 'idle', 'auditail-es', 'RSS, MB'),
  at('start to the first byte read', 400, 'ms', 'start', 'auditail-es', 'first byte read, ms'),
  at('write → delivered, `maxDelay: 5ms`, p50', 10, 'ms', 'tail', 'auditail-es-5ms', 'p50, ms'),
  at('write → delivered, `maxDelay: 5ms`, p99', 40, 'ms', 'tail', 'auditail-es-5ms', 'p99, ms'),
  at('500 events/s, default `maxDelay`: CPU', 4, '% of a core', 'tail', 'auditail-es-default', 'CPU, % of a core'),
  at('idle, 100 files: CPU', 0.1, '% of a core', 'idle', 'auditail-es', 'CPU, % of a core'),
];

/** The table of the targets, Markdown; each measured value is the median of the rounds. */
export function targets(results: Results): string {
  const rows = TARGETS.map(({ what, limit, unit, atLeast = false, measured }) => {
    const value = measured(results);
    const goal = `${atLeast ? '≥' : '≤'} ${limit} ${unit}`;
    if (!Number.isFinite(value)) return [what, goal, '–', 'not measured'];
    return [what, goal, `${figure(value)} ${unit}`, verdict(value, limit, atLeast)];
  });
  return table(['target', 'goal', 'measured', ''], rows);
}

/** `reached`, or by how much it is missed. */
export function verdict(value: number, limit: number, atLeast: boolean): string {
  if (atLeast ? value >= limit : value <= limit) return 'reached';
  const off = Math.abs(value - limit) / limit;
  return `**missed by ${off < 0.01 ? 'less than 1' : (off * 100).toFixed(0)} %**`;
}

function cost(what: string, limit: number, id: string): Target {
  return at(`catch-up → ${what}`, limit, 'CPU-s/GB', 'catch-up', id, 'CPU-s/GB');
}

function at(what: string, limit: number, unit: string, scenario: string, id: string, column: string): Target {
  return { what, limit, unit, measured: (results) => of(results, scenario, id, column) };
}

/** The largest of the medians; not a number where one is missing. */
function memory(what: string, limit: number, ids: readonly string[]): Target {
  const measured = (results: Results) => Math.max(...ids.map((id) => of(results, 'catch-up', id, 'peak RSS, MB')));
  return { what, limit, unit: 'MB', measured };
}

function of(results: Results, scenario: string, id: string, column: string): number {
  const row = results[scenario]?.find((one) => one.id === id);
  return median((row?.figures ?? []).map((one) => one[column] ?? Number.NaN));
}

function fastestPeer(results: Results): number {
  const peers = (results['catch-up'] ?? []).filter(({ id, figures }) => !id.startsWith(OWN) && figures.length > 0);
  if (peers.length === 0) return Number.NaN;
  return Math.max(...peers.map(({ figures }) => median(figures.map((one) => one['MB/s'] ?? Number.NaN))));
}
