import { createHash } from 'node:crypto';
import type { AgentStatus, AlertStatus, PipelineStatus, SourceStatus } from '../inspect/status.ts';
import type { StatusHistory } from '../inspect/status-history.ts';
import { total } from '../state/counts.ts';
import { escapeHtml } from './escape-html.ts';
import { humanBytes, humanCount, humanSeconds } from './human.ts';

const REFRESH_SECONDS = 5;

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --spark: #2f6fb5; --bad: #c0271d; --warn: #9a6700; --good: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --spark: #6ab0f5; --bad: #ff7b72; --warn: #d29922; --good: #56d364; } }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th.text, td.text { text-align: left; white-space: normal; overflow-wrap: anywhere; }
td svg { display: block; width: 8rem; height: 1.6rem; } polyline { fill: none; stroke: var(--spark); stroke-width: 2; vector-effect: non-scaling-stroke; }
.idle, .shipping { color: var(--good); } .retrying { color: var(--warn); } .holding, .bad { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; } footer { margin-top: 2rem; opacity: .65; }`;

/**
 * Nothing is allowed but this one style sheet: no script, no picture, no frame, no form, no other site. The page is made
 * anew by the server, so that it needs none of them.
 */
export const STATUS_PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The status of a running agent as a page that looks again by itself. No scripts, and all text in it is escaped. */
export function statusHtml(status: AgentStatus, history: StatusHistory, nowMs: number): string {
  const { version, pid, startedAt, memory, sources, pipelines, deadLetters, alerts = [] } = status;
  const up = humanSeconds(Math.max(0, (nowMs - Date.parse(startedAt)) / 1000));
  const lost = pipelines.some((pipeline) => lossesOf(pipeline) > 0);
  return page(
    [
      `<h1>auditail <small>${escapeHtml(version)}, process ${pid}, up ${up}</small></h1>`,
      `<p>${humanBytes(memory.usedBytes)} of ${humanBytes(memory.maxBytes)} of the trail in memory</p>`,
      lost ? '<p class="bad">A part of the trail was lost: <code>auditail status --ledger</code> says which.</p>' : '',
      section('Sources', SOURCE_COLUMNS, sources.map(sourceRow)),
      section(
        'Outputs',
        PIPELINE_COLUMNS,
        pipelines.map((pipeline) => pipelineRow(pipeline, deadLetters, history)),
      ),
      section('What became of the events', OUTCOME_COLUMNS, pipelines.map(outcomeRow)),
      section('Alert rules that have matched', ALERT_COLUMNS, alerts.flatMap(alertRows)),
      section('Who is told', RECEIVER_COLUMNS, alerts.flatMap(receiverRows)),
      section('Last errors', ERROR_COLUMNS, pipelines.flatMap(errorRow)),
    ].join('\n'),
    nowMs,
  );
}

/** What is shown while the agent is not there yet. */
export function startingHtml(nowMs: number): string {
  return page('<h1>auditail</h1>\n<p>The agent is starting.</p>', nowMs);
}

function page(body: string, nowMs: number): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>auditail</title>
<style>${STYLE}</style>
</head>
<body>
${body}
<footer>${new Date(nowMs).toISOString()}, looked at every ${REFRESH_SECONDS} seconds; <a href="metrics">metrics</a></footer>
</body>
</html>
`;
}

type Column = readonly [title: string, kind: 'text' | 'number'];
/** HTML of the cells. */
type Row = readonly string[];

const SOURCE_COLUMNS: readonly Column[] = [
  ['source', 'text'],
  ['log', 'text'],
  ['files', 'number'],
  ['bytes', 'number'],
  ['written', 'number'],
  ['rotations', 'number'],
  ['pinned', 'number'],
];

const PIPELINE_COLUMNS: readonly Column[] = [
  ['source', 'text'],
  ['output', 'text'],
  ['state', 'text'],
  ['behind', 'number'],
  ['age', 'number'],
  ['lag', 'text'],
  ['deadline', 'number'],
  ['events/s', 'number'],
  ['rate', 'text'],
  ['in flight', 'number'],
  ['retries', 'number'],
  ['set aside', 'number'],
];

const OUTCOME_COLUMNS: readonly Column[] = [
  ['source', 'text'],
  ['output', 'text'],
  ['read', 'number'],
  ['delivered', 'number'],
  ['filtered', 'number'],
  ['set aside', 'number'],
  ['lost', 'number'],
  ['losses of log', 'number'],
];

const ERROR_COLUMNS: readonly Column[] = [
  ['source', 'text'],
  ['output', 'text'],
  ['when', 'text'],
  ['what', 'text'],
];

const ALERT_COLUMNS: readonly Column[] = [
  ['source', 'text'],
  ['rule', 'text'],
  ['severity', 'text'],
  ['firing', 'number'],
  ['matches', 'number'],
  ['told', 'number'],
  ['last', 'text'],
];

const RECEIVER_COLUMNS: readonly Column[] = [
  ['source', 'text'],
  ['receiver', 'text'],
  ['state', 'text'],
  ['waiting', 'number'],
  ['told', 'number'],
  ['set aside', 'number'],
];

/** No text of events: what an alert is about is told to its receivers only. */
function alertRows({ source, rules }: AlertStatus): readonly Row[] {
  return rules
    .filter(({ matches, firing }) => matches > 0 || firing > 0)
    .map(({ name, severity, firing, matches, notifications, lastAt }) => [
      ...[source, name, severity].map(escapeHtml),
      ...[firing, matches, notifications].map(humanCount),
      escapeHtml(lastAt),
    ]);
}

function receiverRows({ source, receivers }: AlertStatus): readonly Row[] {
  return receivers.map(({ name, state, reason, pending, told, setAside }) => [
    ...[source, name, reason === '' ? state : `${state}: ${reason}`].map(escapeHtml),
    ...[pending, told, setAside].map(humanCount),
  ]);
}

function section(title: string, columns: readonly Column[], rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const kind = (at: number) => (columns[at]?.[1] === 'text' ? ' class="text"' : '');
  const head = columns.map(([name], at) => `<th${kind(at)}>${name}</th>`).join('');
  const body = rows
    .map((row) => `<tr>${row.map((cell, at) => `<td${kind(at)}>${cell}</td>`).join('')}</tr>`)
    .join('\n');
  return `<h2>${title}</h2>\n<div class="scroll"><table>\n<tr>${head}</tr>\n${body}\n</table></div>`;
}

function sourceRow(source: SourceStatus): Row {
  const { name, origin, readable, words, segments, bytes, bytesPerSecond, rotations, pinnedFiles, pinnedBytes } =
    source;
  return [
    escapeHtml(name),
    readable ? escapeHtml(origin) : `${escapeHtml(origin)} <span class="bad">${escapeHtml(words)}</span>`,
    humanCount(segments),
    humanBytes(bytes),
    `${humanBytes(bytesPerSecond)}/s`,
    humanCount(rotations),
    pinnedFiles === 0 ? '-' : humanBytes(pinnedBytes),
  ];
}

function pipelineRow(pipeline: PipelineStatus, deadLetters: AgentStatus['deadLetters'], history: StatusHistory): Row {
  const { source, output, state, lagBytes, lagSeconds, deadlineSeconds, inFlight, retries } = pipeline;
  const trend = history.of(pipeline);
  return [
    escapeHtml(source),
    escapeHtml(output),
    `<span class="${escapeHtml(state)}">${escapeHtml(state)}</span>`,
    humanBytes(lagBytes),
    humanSeconds(lagSeconds),
    spark(trend.lagBytes),
    deadlineSeconds === null ? '-' : humanSeconds(deadlineSeconds),
    humanCount(Math.round(trend.eventsPerSecond)),
    spark(trend.eventRates),
    humanCount(inFlight),
    humanCount(retries),
    humanCount(deadLetters.find((letter) => letter.output === output)?.records ?? 0),
  ];
}

function outcomeRow(pipeline: PipelineStatus): Row {
  const { source, output, totals } = pipeline;
  const losses = lossesOf(pipeline);
  return [
    escapeHtml(source),
    escapeHtml(output),
    humanCount(totals.readEvents),
    humanCount(totals.delivered),
    humanCount(total(totals.filtered)),
    humanCount(total(totals.deadLettered)),
    humanCount(total(totals.lost)),
    losses === 0 ? '0' : `<span class="bad">${humanCount(losses)}</span>`,
  ];
}

function errorRow({ source, output, lastError }: PipelineStatus): readonly Row[] {
  if (lastError === null) return [];
  const said = [lastError.reason, lastError.words].filter((text) => text !== '').join(': ');
  return [[source, output, lastError.at, said].map(escapeHtml)];
}

function spark(values: readonly number[]): string {
  if (values.length < 2) return '';
  const most = Math.max(1, ...values);
  const points = values.map((value, at) => `${at},${(20 - (value / most) * 18).toFixed(1)}`).join(' ');
  return `<svg viewBox="0 0 ${values.length - 1} 21" preserveAspectRatio="none" aria-hidden="true"><polyline points="${points}"/></svg>`;
}

/** What was left out on purpose at the first run is no loss. */
function lossesOf({ losses }: PipelineStatus): number {
  return total(losses) - (losses['not-taken'] ?? 0);
}
