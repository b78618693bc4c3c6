import type { AgentStatus, PipelineStatus } from '../inspect/status.ts';
import type { StatusHistory } from '../inspect/status-history.ts';
import { total } from '../state/counts.ts';
import { humanBytes, humanCount, humanSeconds } from './human.ts';
import { printable } from './printable.ts';
import { sparkLine } from './spark-line.ts';
import { PIPELINE_COLUMNS, SENDING_COLUMNS, SOURCE_COLUMNS, type StatusColumn, statusTable } from './status-columns.ts';

/** A line of the live table, and whether it is about something that somebody should look at. */
export interface WatchLine {
  readonly text: string;
  readonly tone?: 'bold' | 'yellow' | 'red';
}

const SPARK_WIDTH = 12;

/** The live table of `auditail status --watch`. All text in it is printable. */
export function watchLines(status: AgentStatus, history: StatusHistory, nowMs: number): readonly WatchLine[] {
  const { version, pid, startedAt, memory, sources, pipelines } = status;
  const up = humanSeconds(Math.max(0, (nowMs - Date.parse(startedAt)) / 1000));
  const held = `${humanBytes(memory.usedBytes)} of ${humanBytes(memory.maxBytes)} in memory`;
  const time = new Date(nowMs).toISOString().slice(0, 19);
  return [
    { text: printable(`${time}Z  auditail ${version}, process ${pid}, up ${up}, ${held}`) },
    { text: '' },
    ...titled(
      statusTable(SOURCE_COLUMNS, sources),
      sources.map(({ readable }) => (readable ? undefined : 'red')),
    ),
    { text: '' },
    ...titled(pipelineTable(status, history), pipelines.map(toneOf)),
    ...errorLines(status, nowMs),
  ];
}

function titled(table: string, tones: readonly (WatchLine['tone'] | undefined)[]): readonly WatchLine[] {
  return table.split('\n').map((text, at) => {
    const tone = at === 0 ? 'bold' : tones[at - 1];
    return tone === undefined ? { text } : { text, tone };
  });
}

function toneOf({ state, losses }: PipelineStatus): WatchLine['tone'] {
  if (state === 'holding' || lossesOf(losses) > 0) return 'red';
  return state === 'retrying' ? 'yellow' : undefined;
}

function pipelineTable({ pipelines, deadLetters }: AgentStatus, history: StatusHistory): string {
  const columns: readonly StatusColumn<PipelineStatus>[] = [
    ...PIPELINE_COLUMNS,
    ['lost', 'right', ({ losses, totals }) => humanCount(lossesOf(losses) + total(totals.lost))],
    [
      'set aside',
      'right',
      (pipeline) => humanCount(deadLetters.find(({ output }) => output === pipeline.output)?.records ?? 0),
    ],
    ['events/s', 'right', (pipeline) => humanCount(Math.round(history.of(pipeline).eventsPerSecond))],
    ['rate', 'left', (pipeline) => sparkLine(history.of(pipeline).eventRates, SPARK_WIDTH)],
    ['lag', 'left', (pipeline) => sparkLine(history.of(pipeline).lagBytes, SPARK_WIDTH)],
    ['bytes/s', 'right', (pipeline) => humanBytes(Math.round(history.of(pipeline).bytesPerSecond))],
    ...SENDING_COLUMNS,
  ];
  return statusTable(columns, pipelines);
}

function errorLines({ pipelines }: AgentStatus, nowMs: number): readonly WatchLine[] {
  const lines = pipelines.flatMap(({ source, output, lastError }) => {
    if (lastError === null) return [];
    const age = humanSeconds(Math.max(0, Math.round((nowMs - Date.parse(lastError.at)) / 1000)));
    const said = [lastError.reason, lastError.words].filter((text) => text !== '').join(': ');
    return [{ text: printable(`${output} (${source}), ${age} ago: ${said}`) }];
  });
  return lines.length === 0 ? [] : [{ text: '' }, { text: 'last errors', tone: 'bold' }, ...lines];
}

/** What was left out on purpose at the first run is no loss. */
function lossesOf(losses: PipelineStatus['losses']): number {
  return total(losses) - (losses['not-taken'] ?? 0);
}

/** One line per pipeline, for where nothing can be drawn again. */
export function plainWatchLines(status: AgentStatus, history: StatusHistory, nowMs: number): readonly string[] {
  return status.pipelines.map((pipeline) => {
    const { eventsPerSecond, bytesPerSecond } = history.of(pipeline);
    const { source, output, state, lagBytes, lagSeconds, deadlineSeconds, inFlight, retries, reason, words } = pipeline;
    const parts = [
      new Date(nowMs).toISOString(),
      `${output} (${source})`,
      state,
      `${humanCount(Math.round(eventsPerSecond))} events/s`,
      `${humanBytes(Math.round(bytesPerSecond))}/s`,
      `behind ${humanBytes(lagBytes)}, ${humanSeconds(lagSeconds)}`,
      `deadline ${deadlineSeconds === null ? '-' : humanSeconds(deadlineSeconds)}`,
      `${inFlight} in flight`,
      `${retries} retries`,
      ...(reason === '' ? [] : [`${reason}: ${words}`]),
    ];
    return printable(parts.join('  '));
  });
}
