import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { STATUS } from '../telemetry/sample-status.ts';
import { alerts, dashboardQueries, readQuery } from './queries.ts';

/** What Prometheus adds to every series it scrapes from a pod. */
const SCRAPED = ['instance', 'job', 'namespace', 'pod', 'le'];

const described = new Map((await exposed().describe()).map((metric) => [metric.name, metric]));
const page = await exposed().render();
const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');

function exposed() {
  const metrics = createMetrics(() => STATUS);
  metrics.observeSend('search', 1, 1, 'stored');
  return metrics;
}

function metricOf(name: string) {
  return described.get(name) ?? described.get(name.replace(/_(?:bucket|sum|count)$/, ''));
}

const queries = [...alerts().map(({ alert, expr }) => [alert, expr] as const), ...dashboardQueries()];

describe.each(queries)('the query of %s', (_title, query) => {
  const { selectors, labels } = readQuery(query);

  it('asks for metrics that the agent has', () => {
    expect(selectors.length).toBeGreaterThan(0);
    expect(selectors.map(({ metric }) => metric).filter((name) => metricOf(name) === undefined)).toEqual([]);
  });

  it('asks for labels that they have', () => {
    for (const { metric, matchers } of selectors) {
      const own = [...(metricOf(metric)?.labels ?? []), ...SCRAPED];
      expect(own, metric).toEqual(expect.arrayContaining(matchers.map(([label]) => label)));
    }
    const all = new Set([...selectors.flatMap(({ metric }) => metricOf(metric)?.labels ?? []), ...SCRAPED]);
    expect([...all]).toEqual(expect.arrayContaining([...labels]));
  });

  it('asks for values that these labels take', () => {
    for (const { metric, matchers } of selectors) {
      for (const [label, operator, value] of matchers) {
        if (operator !== '=') continue;
        const series = page.split('\n').filter((line) => line.startsWith(`${metric}{`));
        expect(
          series.some((line) => line.includes(`${label}="${value}"`)),
          `${metric} ${label}="${value}"`,
        ).toBe(true);
      }
    }
  });
});

describe('the alerts', () => {
  it.each(alerts())('$alert stands in the runbook, with what to do', ({ alert, annotations, labels }) => {
    expect(runbook).toContain(`\n### ${alert}\n`);
    expect(annotations['runbook']).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    expect(annotations['summary']).not.toBe('');
    expect(['critical', 'warning']).toContain(labels['severity']);
  });

  it('the runbook knows no alert that there is not', () => {
    const headings = [...runbook.matchAll(/^### (Auditail\w+)$/gm)].map(([, name]) => name ?? '');
    expect(headings.toSorted()).toEqual(
      alerts()
        .map(({ alert }) => alert)
        .toSorted(),
    );
  });

  it('show only labels that their series have', () => {
    for (const { alert, expr, annotations } of alerts()) {
      const used = [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ].map(([, label]) => label);
      const own = readQuery(expr).selectors.flatMap(({ metric }) => metricOf(metric)?.labels ?? []);
      expect(own, alert).toEqual(expect.arrayContaining(used));
    }
  });
});
