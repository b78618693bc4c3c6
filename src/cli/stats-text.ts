import type { DimensionReport, StatisticsReport } from '../inspect/statistics.ts';
import type { Sum } from '../inspect/tally.ts';
import { humanBytes, humanCount, humanSeconds, plural } from './human.ts';
import { plainJson } from './explain-text.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

const NONE = '(none)';
const SECONDS_A_DAY = 86_400;

export function nameOf(value: string): string {
  return value === '' ? NONE : value;
}

/** `12.5 %` of a whole. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)} %`;
}

export function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** What was counted, and what a filter saves, in sentences. */
export function statsSummary(report: StatisticsReport): readonly string[] {
  const { events, bytes, delivered, whatIf, fromSeconds, toSeconds } = report;
  if (events === 0) return ['No events.'];
  const seconds = toSeconds - fromSeconds;
  const daily = (count: number) => (seconds < 60 ? '' : `, ${humanBytes((count / seconds) * SECONDS_A_DAY)} a day`);
  const lines = [
    `${plural(events, 'event')}, ${humanBytes(bytes)}, from ${timeOf(fromSeconds)} to ${timeOf(toSeconds)} (${humanSeconds(seconds)}${daily(bytes)})`,
  ];
  if (delivered.bytes !== bytes || whatIf !== undefined) lines.push(amount('delivered now', delivered, report));
  if (whatIf === undefined) return lines;
  const saved = delivered.bytes - whatIf.bytes;
  lines.push(
    amount('what if', whatIf, report),
    saved >= 0
      ? `It would save ${humanBytes(saved)} (${share(saved, delivered.bytes)} of what is delivered now${daily(saved)}).`
      : `It would cost ${humanBytes(-saved)} more (${share(-saved, delivered.bytes)} of what is delivered now${daily(-saved)}).`,
  );
  return lines;
}

function amount(words: string, part: { events: number; bytes: number }, { events, bytes }: StatisticsReport): string {
  return `${words}: ${plural(part.events, 'event')} (${share(part.events, events)}), ${humanBytes(part.bytes)} (${share(part.bytes, bytes)})`;
}

/** Whether a filter takes anything away, so that what is delivered is worth a column. */
export function isFiltered({ bytes, delivered, whatIf }: StatisticsReport): boolean {
  return whatIf !== undefined || delivered.bytes !== bytes;
}

export function restName({ restValues, exact }: DimensionReport): string {
  return exact ? `(${plural(restValues, 'other')})` : `(${humanCount(restValues)} others and more)`;
}

export function statsTable(report: StatisticsReport): string {
  const filtered = isFiltered(report);
  const cells = (name: string, sum: Readonly<Sum>): readonly string[] => [
    name,
    humanCount(sum.events),
    humanBytes(sum.bytes),
    share(sum.bytes, report.bytes),
    ...(filtered ? [humanBytes(sum.delivered)] : []),
  ];
  const tables = report.dimensions.map((dimension) => {
    const titles = [dimension.dimension, 'events', 'bytes', 'share', ...(filtered ? ['delivered'] : [])];
    const rows = dimension.values.map((ranked) => cells(short(nameOf(ranked.value)), ranked));
    if (dimension.rest.events > 0) rows.push(cells(restName(dimension), dimension.rest));
    return formatTable(
      titles.map((title, at) => ({ title, align: at === 0 ? 'left' : 'right' })),
      rows,
    );
  });
  return [statsSummary(report).join('\n'), ...(report.events === 0 ? [] : tables)].join('\n\n');
}

function short(text: string): string {
  return text.length > 72 ? `${text.slice(0, 71)}…` : text;
}

export function statsJson(report: StatisticsReport): string {
  return plainJson(report);
}

const COLUMNS = ['dimension', 'value', 'events', 'bytes', 'delivered_bytes'];

/** RFC 4180; what a spreadsheet would take for a formula gets a quote in front. */
export function statsCsv(report: StatisticsReport): string {
  const rows = report.dimensions.flatMap((dimension) => {
    const { values, rest } = dimension;
    const ranked = values.map((one) => ({ ...one, value: nameOf(one.value) }));
    const all = rest.events === 0 ? ranked : [...ranked, { value: restName(dimension), ...rest }];
    return all.map(({ value, events, bytes, delivered }) => [dimension.dimension, value, events, bytes, delivered]);
  });
  return [COLUMNS, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n');
}

function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = printable(value);
  const safe = /^\s*[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
