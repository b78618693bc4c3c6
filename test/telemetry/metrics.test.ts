import fs from 'node:fs';
import perfHooks from 'node:perf_hooks';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { MEASURES } from '../../src/telemetry/measures.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { renderMetricsPage } from '../../src/telemetry/metrics-page.ts';
import { PIPELINE, STATUS } from './sample-status.ts';

async function scrape(status: AgentStatus | undefined): Promise<readonly string[]> {
  const text = await createMetrics(() => status).render();
  return text.split('\n').filter((line) => line.startsWith('auditail_'));
}

it('docs/metrics.md lists every metric there is (if this fails: npm run generate)', async () => {
  const page = fs.readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  expect(page).toBe(renderMetricsPage(await createMetrics(() => undefined).describe()));
});

it('looking at the event loop wakes an idle agent once a second, not a hundred times', () => {
  const monitor = vi.spyOn(perfHooks, 'monitorEventLoopDelay');
  onTestFinished(() => monitor.mockRestore());
  createMetrics(() => undefined);
  expect(monitor.mock.calls).toEqual([[{ resolution: 1000 }]]);
});

it('the numbers of the status come out under their labels', async () => {
  expect(await scrape(STATUS)).toMatchInlineSnapshot(`
    [
      "auditail_info{version="1.2.3"} 1",
      "auditail_config_last_reload_successful 1",
      "auditail_config_last_reload_success_timestamp_seconds 1795413600",
      "auditail_config_reloads_total{result="taken"} 0",
      "auditail_config_reloads_total{result="refused"} 0",
      "auditail_source_readable{source="kube-apiserver"} 1",
      "auditail_source_segments{source="kube-apiserver"} 4",
      "auditail_source_bytes{source="kube-apiserver"} 300000000",
      "auditail_source_written_bytes_per_second{source="kube-apiserver"} 1800000",
      "auditail_source_rotations_total{source="kube-apiserver"} 12",
      "auditail_source_pinned_files{source="kube-apiserver"} 2",
      "auditail_source_pinned_bytes{source="kube-apiserver"} 200000000",
      "auditail_source_open_deleted_bytes{source="kube-apiserver"} 0",
      "auditail_source_anomalies_total{source="kube-apiserver",kind="torn"} 1",
      "auditail_pipeline_state{source="kube-apiserver",output="search",state="starting"} 0",
      "auditail_pipeline_state{source="kube-apiserver",output="search",state="idle"} 0",
      "auditail_pipeline_state{source="kube-apiserver",output="search",state="shipping"} 0",
      "auditail_pipeline_state{source="kube-apiserver",output="search",state="retrying"} 1",
      "auditail_pipeline_state{source="kube-apiserver",output="search",state="holding"} 0",
      "auditail_pipeline_state{source="kube-apiserver",output="search",state="stopped"} 0",
      "auditail_lag_bytes{source="kube-apiserver",output="search"} 5000000",
      "auditail_lag_seconds{source="kube-apiserver",output="search"} 42.5",
      "auditail_deadline_seconds{source="kube-apiserver",output="search"} 5400",
      "auditail_in_flight_batches{source="kube-apiserver",output="search"} 2",
      "auditail_batches_total{source="kube-apiserver",output="search"} 100",
      "auditail_retries_total{source="kube-apiserver",output="search"} 7",
      "auditail_duplicates_total{source="kube-apiserver",output="search"} 3",
      "auditail_read_events_total{source="kube-apiserver",output="search"} 1000",
      "auditail_read_bytes_total{source="kube-apiserver",output="search"} 1000000",
      "auditail_events_total{source="kube-apiserver",output="search",outcome="delivered",reason="",rule=""} 700",
      "auditail_events_total{source="kube-apiserver",output="search",outcome="filtered",reason="",rule="leases"} 250",
      "auditail_events_total{source="kube-apiserver",output="search",outcome="filtered",reason="",rule="keep"} 30",
      "auditail_events_total{source="kube-apiserver",output="search",outcome="dead_lettered",reason="mapper_parsing_exception",rule=""} 15",
      "auditail_events_total{source="kube-apiserver",output="search",outcome="lost",reason="too-old",rule=""} 5",
      "auditail_bytes_total{source="kube-apiserver",output="search",outcome="delivered"} 800000",
      "auditail_bytes_total{source="kube-apiserver",output="search",outcome="filtered"} 150000",
      "auditail_bytes_total{source="kube-apiserver",output="search",outcome="dead_lettered"} 40000",
      "auditail_bytes_total{source="kube-apiserver",output="search",outcome="lost"} 9000",
      "auditail_bytes_total{source="kube-apiserver",output="search",outcome="skipped"} 1000",
      "auditail_failed_conditions_total{source="kube-apiserver",output="search"} 0",
      "auditail_loss_records_total{source="kube-apiserver",output="search",reason="gap"} 1",
      "auditail_last_delivery_timestamp_seconds{source="kube-apiserver",output="search"} 1795417200",
      "auditail_dead_letter_records{output="search"} 15",
      "auditail_dead_letter_bytes{output="search"} 40500",
      "auditail_dead_letter_max_bytes{output="search"} 268435456",
      "auditail_memory_bytes 2000000",
      "auditail_memory_max_bytes 100663296",
    ]
  `);
});

it('what is not known is left out rather than zero', async () => {
  const lines = await scrape({ ...STATUS, pipelines: [{ ...PIPELINE, deadlineSeconds: null, lastDeliveredAt: '' }] });
  expect(lines.filter((line) => /deadline|last_delivery/.test(line))).toEqual([]);
});

it('the outcomes of a pipeline add up to what was read', async () => {
  const lines = await scrape(STATUS);
  const sum = (name: string) =>
    lines
      .filter((line) => line.startsWith(`${name}{`))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  expect(sum('auditail_events_total')).toBe(sum('auditail_read_events_total'));
  expect(sum('auditail_bytes_total')).toBe(sum('auditail_read_bytes_total'));
});

it('each scrape shows the status of that moment, and series that are gone are gone', async () => {
  let status: AgentStatus = STATUS;
  const metrics = createMetrics(() => status);
  expect(await metrics.render()).toContain(
    'auditail_loss_records_total{source="kube-apiserver",output="search",reason="gap"} 1\n',
  );
  status = { ...STATUS, pipelines: [{ ...PIPELINE, losses: { deleted: 2 } }] };
  const text = await metrics.render();
  expect(text).toContain('auditail_loss_records_total{source="kube-apiserver",output="search",reason="deleted"} 2\n');
  expect(text).not.toContain('reason="gap"');
});

it('while the agent is starting there are the metrics of the process only', async () => {
  const metrics = createMetrics(() => undefined);
  const text = await metrics.render();
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).not.toMatch(/^auditail_lag_bytes[{ ]/m);
});

it('requests are counted by output and result', async () => {
  const metrics = createMetrics(() => STATUS);
  metrics.observeSend('search', 0.2, 1_000_000, 'stored');
  metrics.observeSend('search', 40, 2000, 'again');
  const text = await metrics.render();
  expect(text).toContain('auditail_send_duration_seconds_count{output="search",result="stored"} 1');
  expect(text).toContain('auditail_send_duration_seconds_bucket{le="30",output="search",result="again"} 0');
  expect(text).toContain('auditail_send_size_bytes_sum{output="search"} 1002000');
});

it('names end in their unit, and counters in _total', () => {
  for (const { name, type } of MEASURES) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
  }
});
