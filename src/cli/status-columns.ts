import type { PipelineStatus, SourceStatus } from '../inspect/status.ts';
import { humanBytes, humanCount, humanSeconds } from './human.ts';
import { formatTable } from './table.ts';

/** A column of a table about sources or pipelines: its title, its side, and the text of a cell. */
export type StatusColumn<Row> = readonly [title: string, align: 'left' | 'right', cell: (row: Row) => string];

/** What `status` and `status --watch` both show of a source. */
export const SOURCE_COLUMNS: readonly StatusColumn<SourceStatus>[] = [
  ['source', 'left', ({ name }) => name],
  ['written', 'right', ({ bytesPerSecond }) => `${humanBytes(bytesPerSecond)}/s`],
  ['bytes', 'right', ({ bytes }) => humanBytes(bytes)],
  ['files', 'right', ({ segments }) => humanCount(segments)],
  ['rotations', 'right', ({ rotations }) => humanCount(rotations)],
  ['pinned', 'right', ({ pinnedFiles, pinnedBytes }) => (pinnedFiles === 0 ? '-' : humanBytes(pinnedBytes))],
  ['log', 'left', ({ origin, readable, words }) => (readable ? origin : `${origin}: ${words}`)],
];

/** The same of a pipeline; what matters at night, since a narrow terminal cuts off what stands behind it. */
export const PIPELINE_COLUMNS: readonly StatusColumn<PipelineStatus>[] = [
  ['source', 'left', ({ source }) => source],
  ['output', 'left', ({ output }) => output],
  ['state', 'left', ({ state }) => state],
  ['behind', 'right', ({ lagBytes }) => humanBytes(lagBytes)],
  ['age', 'right', ({ lagSeconds }) => humanSeconds(lagSeconds)],
  ['deadline', 'right', ({ deadlineSeconds }) => (deadlineSeconds === null ? '-' : humanSeconds(deadlineSeconds))],
];

export const SENDING_COLUMNS: readonly StatusColumn<PipelineStatus>[] = [
  ['in flight', 'right', ({ inFlight }) => humanCount(inFlight)],
  ['retries', 'right', ({ retries }) => humanCount(retries)],
];

export function statusTable<Row>(columns: readonly StatusColumn<Row>[], rows: readonly Row[]): string {
  return formatTable(
    columns.map(([title, align]) => ({ title, align })),
    rows.map((row) => columns.map(([, , cell]) => cell(row))),
  );
}
