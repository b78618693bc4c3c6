import type { MetricDescription } from './metrics.ts';

const INTRODUCTION = `# Metrics

<!-- Generated from src/telemetry by \`npm run generate\`. -->

\`/metrics\` on \`telemetry.listen\`, in Prometheus' text format. The numbers of the trail are taken from one snapshot of the agent, so that they
add up: \`auditail_read_events_total\` is the sum of \`auditail_events_total\` over its outcomes, per source and output. Counters of events and bytes
go on over restarts, as the checkpoint keeps them; requests, retries and rotations count from the start of the process.

\`/healthz\` is 200 as long as the process answers: an output that is down never fails it. \`/readyz\` is 200 while all sources are followed.
\`/\` is the status page, for whoever asks from the same machine (\`kubectl port-forward\` does) and for nobody else.

## Worth an alert

The rules and a dashboard for Grafana are in \`deploy/helm/auditail/files\`; what to do when one of them fires stands in the
[runbook](runbook.md#alerts).

| alert | why |
| --- | --- |
| AuditailTrailLost | a part of the trail is lost; \`auditail status --ledger\` says which |
| AuditailDeadlineNear | within the hour the API server deletes what this output has not read |
| AuditailHolding | somebody has to mend something: credentials, an index, a full dead letter |
| AuditailLogUnreadable | the log is not there or cannot be read |
| AuditailGone | no auditail is scraped at all |
| AuditailBehind | an output is behind |
| AuditailEventsRefused | the receiver refuses events for good; \`auditail dead-letter list\` says why |
| AuditailDeadLetterFilling | when the dead letter is full, the output holds |
| AuditailLogDisturbed | somebody other than the API server changes the log |
`;

/** docs/metrics.md: every metric with its name, kind, labels and meaning. The unit is the end of the name. */
export function renderMetricsPage(metrics: readonly MetricDescription[]): string {
  const own = metrics.filter(({ name }) => name.startsWith('auditail_'));
  const process = metrics.filter(({ name }) => !name.startsWith('auditail_'));
  return [
    INTRODUCTION,
    '## The agent\n',
    table(own),
    '\n## The process\n',
    'What prom-client says of any Node.js program.\n',
    table(process),
    '',
  ].join('\n');
}

function table(metrics: readonly MetricDescription[]): string {
  const rows = metrics.map(({ name, type, help, labels }) => {
    const list = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${list} | ${help.replaceAll('|', '\\|')} |`;
  });
  return ['| name | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
