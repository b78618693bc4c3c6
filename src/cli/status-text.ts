import type { AgentStatus, AlertStatus, PipelineStatus, ReadLimitStatus, SourceStatus } from '../inspect/status.ts';
import type { StoredPipeline } from '../inspect/stored-state.ts';
import type { EventReference } from '../log/loss.ts';
import type { Checkpoint, Counts } from '../state/checkpoint.ts';
import { total } from '../state/counts.ts';
import type { LedgerEntry } from '../state/ledger-entry.ts';
import { humanBytes, humanCount, humanSeconds, plural } from './human.ts';
import { outcomeTable } from './outcome-table.ts';
import { printable } from './printable.ts';
import { PIPELINE_COLUMNS, SENDING_COLUMNS, SOURCE_COLUMNS, type StatusColumn, statusTable } from './status-columns.ts';
import { formatTable } from './table.ts';

const LAST_DELIVERED: StatusColumn<PipelineStatus> = [
  'last delivered',
  'left',
  ({ lastDeliveredAt }) => (lastDeliveredAt === '' ? 'never' : lastDeliveredAt),
];

/** What `auditail status` prints of a running agent. */
export function describeStatus(status: AgentStatus, nowMs: number): string {
  const { version, pid, startedAt, stateDirectory, memory, sources, pipelines, deadLetters, alerts = [] } = status;
  const age = humanSeconds(Math.max(0, (nowMs - Date.parse(startedAt)) / 1000));
  const held = `${humanBytes(memory.usedBytes)} of ${humanBytes(memory.maxBytes)} in memory`;
  return [
    `auditail ${version}, process ${pid}, up ${age}, ${held}, state in ${stateDirectory}`,
    '',
    statusTable(SOURCE_COLUMNS, sources),
    '',
    statusTable([...PIPELINE_COLUMNS, ...SENDING_COLUMNS, LAST_DELIVERED], pipelines),
    '',
    outcomeTable(
      pipelines.map(({ source, output, totals, losses }) => ({ source, output, totals, losses: total(losses) })),
    ),
    ...section(configurationNotes(status)),
    ...section(sources.flatMap(sourceNotes)),
    ...section(pipelines.flatMap(pipelineNotes)),
    ...section(alerts.flatMap(alertNotes)),
    ...section(deadLetters.filter(({ records }) => records > 0).map(deadLetterNote)),
  ].join('\n');
}

/** What it prints where no agent runs. */
export function describeStored(stored: readonly StoredPipeline[]): string {
  if (stored.length === 0) return 'Nothing was shipped from here yet.';
  const known = stored.flatMap(({ output, source, checkpoint }) =>
    checkpoint === null ? [] : [{ output, source, checkpoint }],
  );
  const positions = formatTable(
    [{ title: 'source' }, { title: 'output' }, { title: 'destination' }, { title: 'stands at' }, { title: 'written' }],
    known.map(({ output, source, checkpoint }) => {
      return [source, output, checkpoint.destination, standOf(checkpoint), checkpoint.writtenAt];
    }),
  );
  const outcomes = known.map(({ output, source, checkpoint }) => ({
    output,
    source,
    totals: checkpoint.totals,
    losses: checkpoint.losses,
  }));
  const errors = stored.flatMap(({ output, source, error }) =>
    error === undefined ? [] : [`${output}/${source}: ${error.message}`],
  );
  return [positions, '', outcomeTable(outcomes), ...section(errors)].join('\n');
}

/** How far an output has come. With `order: live-first` files may wait behind the one that it reads. */
function standOf({ segments }: Checkpoint): string {
  const begun = segments.filter(({ done }) => !done);
  const last = begun.at(-1) ?? segments.at(-1);
  if (last === undefined) return 'the beginning';
  const others = begun.length > 1 ? `, and ${humanCount(begun.length - 1)} older` : '';
  return `${last.name}:${last.settled}${others}`;
}

/** One line of the ledger. */
export function describeEntry(output: string, entry: LedgerEntry): string {
  if (entry.type === 'segment') {
    const { name, bytes, counts, settledAt, source } = entry;
    const parts = [
      `${humanCount(counts.readEvents)} read`,
      `${humanCount(counts.delivered)} delivered`,
      ...byName('filtered', counts.filtered),
      ...byName('set aside', counts.deadLettered),
      ...byName('lost', counts.lost),
      ...cuts(counts),
    ];
    return `${settledAt}  ${output}  ${source}  ${name}  ${plural(bytes, 'byte')}: ${parts.join(', ')}`;
  }
  if (entry.type === 'notification') {
    const { at, source, receiver, rule, severity, status, count, id, setAside } = entry;
    const what = setAside === undefined ? `told ${receiver}` : `SET ASIDE for ${receiver} (${setAside})`;
    const alert = `${rule}, ${severity}, ${status}, after ${plural(count, 'event')}`;
    return `${at}  ${output}  ${source}  ${what}: ${printable(alert)}  notification ${id}`;
  }
  const { at, source, reason, proof, words, name, from, to, after, before } = entry;
  const place = name === undefined ? '' : `  ${name}${from === undefined ? '' : ` bytes ${from} to ${to ?? '?'}`}`;
  const lines = [`${at}  ${output}  ${source}  LOST (${reason}, ${proof})${printable(place)}: ${printable(words)}`];
  if (after !== undefined) lines.push(`    after  ${reference(after)}`);
  if (before !== undefined) lines.push(`    before ${reference(before)}`);
  return lines.join('\n');
}

/** The client chooses its Audit-ID. */
function reference({ time, auditID, stage }: EventReference): string {
  return printable(`${time}  ${auditID} ${stage}`);
}

function configurationNotes({ configuration }: AgentStatus): readonly string[] {
  if (configuration?.refused == null) return [];
  const { at, reason } = configuration.refused;
  const since = `the one of ${configuration.loadedAt} goes on`;
  return [`the configuration on disk was refused at ${at}, and ${since}:`, ...reason.split('\n').map(printable)];
}

function sourceNotes({ name, readable, words, anomalies }: SourceStatus): readonly string[] {
  const odd = Object.entries(anomalies).map(([kind, count]) => `${kind} ${count}`);
  return [
    ...(readable ? [] : [`source ${name}: ${printable(words)}`]),
    ...(odd.length === 0 ? [] : [`source ${name}: dealt with ${odd.join(', ')}`]),
  ];
}

function pipelineNotes(pipeline: PipelineStatus): readonly string[] {
  const { source, output, state, reason, words, totals, losses, readLimit, lagBytes } = pipeline;
  const who = `output ${output} (${source})`;
  return [
    ...(state === 'holding' || state === 'retrying'
      ? [
          `${who}: ${state}: ${[reason, words]
            .filter((text) => text !== '')
            .map(printable)
            .join(': ')}`,
        ]
      : []),
    ...(readLimit === undefined || lagBytes === 0 ? [] : [`${who}: ${readLimitNote(readLimit)}`]),
    ...byName('filtered', totals.filtered).map((text) => `${who}: ${text}`),
    ...byName('set aside', totals.deadLettered).map((text) => `${who}: ${text}`),
    ...byName('lost', totals.lost).map((text) => `${who}: ${text}`),
    ...cuts(totals).map((text) => `${who}: ${text}`),
    ...Object.entries(losses).map(
      ([kind, count]) => `${who}: ${plural(count, 'loss record')} (${kind}); see auditail status --ledger`,
    ),
  ];
}

function readLimitNote({ maxReadRate, givesWay, heldBackSeconds }: ReadLimitStatus): string {
  if (givesWay) return 'maxReadRate gives way: files might be gone before they are read';
  return `reads ${humanBytes(maxReadRate)}/s at most (maxReadRate); held back for ${humanSeconds(heldBackSeconds)} so far`;
}

/** `auditail alerts list` has the whole. */
function alertNotes({ source, rules, receivers, words }: AlertStatus): readonly string[] {
  const firing = rules.reduce((sum, rule) => sum + rule.firing, 0);
  const on = rules.filter(({ enabled }) => enabled).length;
  return [
    `${source}: ${plural(on, 'alert rule')}, ${plural(firing, 'alert')} going on`,
    ...(words === '' ? [] : [`${source}: the files of the alert rules are not usable: those from before are at work`]),
    ...receivers
      .filter(({ state }) => state !== 'idle')
      .map(
        ({ name, state, reason, pending }) => `${source}: receiver ${name} ${state} (${reason}), ${pending} waiting`,
      ),
  ];
}

function deadLetterNote({ output, records, bytes, maxBytes }: AgentStatus['deadLetters'][number]): string {
  return `output ${output}: ${plural(records, 'event')} set aside, ${humanBytes(bytes)} of ${humanBytes(maxBytes)}; see auditail dead-letter list`;
}

function byName(word: string, counts: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(counts).map(([name, count]) => `${humanCount(count)} ${word} (${printable(name)})`);
}

/** What was cut out of events that were let through, and what could not be decided. */
function cuts({ redacted = {}, trimmed = {}, failedConditions = 0 }: Counts): readonly string[] {
  return [
    ...byName('values redacted', redacted),
    ...byName('members trimmed', trimmed),
    ...(failedConditions === 0 ? [] : [`${plural(failedConditions, 'condition')} failed on an event and kept it`]),
  ];
}

function section(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}
