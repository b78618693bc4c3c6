import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { findPromtool } from '../support/tool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { STATUS } from '../telemetry/sample-status.ts';
import { ALERTS_FILE, dashboardQueries } from './queries.ts';

const promtool = findPromtool();
const title = 'the alerts before a real Prometheus';
const OUTPUT = 'output="search", source="api"';

interface Story {
  /** `60` is an hour, a value a minute. */
  readonly series: string;
  readonly values: string;
  readonly fires: string | null;
  readonly atMinute: number;
}

/** `0x60`: sixty-one times the same; `_`: not there. */
const STORIES: Readonly<Record<string, Story>> = {
  'the first loss there ever was': {
    series: `auditail_loss_records_total{${OUTPUT}, reason="gap"}`,
    values: '_x30 1x30',
    fires: 'AuditailTrailLost',
    atMinute: 33,
  },
  'a further loss': {
    series: `auditail_loss_records_total{${OUTPUT}, reason="gap"}`,
    values: '3x30 4x30',
    fires: 'AuditailTrailLost',
    atMinute: 33,
  },
  'a loss of yesterday': {
    series: `auditail_loss_records_total{${OUTPUT}, reason="gap"}`,
    values: '3x60',
    fires: null,
    atMinute: 50,
  },
  'what startAt left out on purpose': {
    series: `auditail_loss_records_total{${OUTPUT}, reason="not-taken"}`,
    values: '_x30 5x30',
    fires: null,
    atMinute: 33,
  },
  'a deadline within the hour': {
    series: `auditail_deadline_seconds{${OUTPUT}}`,
    values: '9000x30 1800x30',
    fires: 'AuditailDeadlineNear',
    atMinute: 35,
  },
  'an output that holds': {
    series: `auditail_pipeline_state{${OUTPUT}, state="holding"}`,
    values: '0x30 1x30',
    fires: 'AuditailHolding',
    atMinute: 35,
  },
  'a log that is gone': {
    series: 'auditail_source_readable{source="api"}',
    values: '1x30 0x30',
    fires: 'AuditailLogUnreadable',
    atMinute: 40,
  },
  'an output that is behind': {
    series: `auditail_lag_seconds{${OUTPUT}}`,
    values: '2x30 400x30',
    fires: 'AuditailBehind',
    atMinute: 40,
  },
  'the first event that was refused': {
    series: `auditail_events_total{${OUTPUT}, outcome="dead_lettered", reason="x", rule=""}`,
    values: '_x30 1x30',
    fires: 'AuditailEventsRefused',
    atMinute: 33,
  },
  'a log that somebody truncates': {
    series: 'auditail_source_anomalies_total{source="api", kind="truncated"}',
    values: '_x30 1x30',
    fires: 'AuditailLogDisturbed',
    atMinute: 33,
  },
};

const ALL = [
  'AuditailTrailLost',
  'AuditailDeadlineNear',
  'AuditailHolding',
  'AuditailLogUnreadable',
  'AuditailBehind',
  'AuditailEventsRefused',
  'AuditailLogDisturbed',
];

function run(args: readonly string[]): string {
  return execFileSync(promtool ?? '', [...args], { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

describe.skipIf(promtool === undefined)(
  promtool === undefined ? `${title} (skipped: there is no promtool to be had)` : title,
  () => {
    test('are rules that Prometheus takes', () => {
      expect(run(['check', 'rules', ALERTS_FILE])).toContain('SUCCESS: 9 rules found');
    });

    test('the metrics are a page that Prometheus takes', async () => {
      const page = await createMetrics(() => STATUS).render();
      // prom-client's own names for Node.js are not all to its taste.
      const own = page.split('\n').filter((line) => /^(# (HELP|TYPE) )?auditail_/.test(line));
      const told = execFileSync(promtool ?? '', ['check', 'metrics'], {
        input: `${own.join('\n')}\n`,
        encoding: 'utf8',
      });
      expect(told).toBe('');
    });

    test.each(Object.entries(STORIES))('%s', (_name, { series, values, fires, atMinute }) => {
      const file = join(temporaryDirectory(), 'test.yaml');
      const tests = ALL.map((alertname) => ({
        eval_time: `${atMinute}m`,
        alertname,
        // Which one fires is the question here; its words are the other tests'.
        exp_alerts: [],
      }));
      const input = { interval: '1m', input_series: [{ series, values }], alert_rule_test: tests };
      writeFileSync(file, stringify({ rule_files: [ALERTS_FILE], evaluation_interval: '1m', tests: [input] }));
      let told = '';
      try {
        told = run(['test', 'rules', file]);
      } catch (error) {
        told = String((error as { stdout?: unknown }).stdout) + String((error as { stderr?: unknown }).stderr);
      }
      const fired = ALL.filter((name) => told.includes(`alertname: ${name},`) || told.includes(`alertname:${name}`));
      expect([fired, told]).toEqual([fires === null ? [] : [fires], expect.anything()]);
    });

    test('the queries of the dashboard are PromQL', () => {
      const rules = dashboardQueries().map(([, query], at) => ({
        record: `panel:${at}`,
        expr: query.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
      }));
      const file = join(temporaryDirectory(), 'panels.yaml');
      writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
      expect(run(['check', 'rules', file])).toContain('SUCCESS');
    });
  },
);
