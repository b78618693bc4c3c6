import type { DimensionReport, StatisticsReport } from '../inspect/statistics.ts';
import type { Sum } from '../inspect/tally.ts';
import { humanBytes, humanCount, humanSeconds } from './human.ts';
import { escapeHtml } from './escape-html.ts';
import { htmlPage } from './html-page.ts';
import { isFiltered, nameOf, restName, share, statsSummary, timeOf } from './stats-text.ts';

const STYLE = `
:root { --bar: #9cc3f0; --kept: #2f6fb5; }
@media (prefers-color-scheme: dark) { :root { --bar: #2b4f75; --kept: #6ab0f5; } }
body { max-width: 68rem; }
th, td { text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; width: 42%; }
td.bar { width: 24%; } td.bar svg { display: block; width: 100%; height: .9rem; }
.rest { opacity: .65; } svg .all { fill: var(--bar); } svg .kept { fill: var(--kept); }
.timeline { width: 100%; height: 9rem; } .axis { display: flex; justify-content: space-between; opacity: .65; }
.key i { display: inline-block; width: .8rem; height: .8rem; margin: 0 .3rem 0 1rem; }`;

/** `more` goes behind all else: a section of something else. */
export function statsHtml(report: StatisticsReport, more = ''): string {
  const filtered = isFiltered(report);
  const key = filtered
    ? '<p class="key"><i style="background:var(--bar)"></i>in the log<i style="background:var(--kept)"></i>delivered</p>'
    : '';
  const body = `<h1>What the audit trail is made of</h1>
${statsSummary(report)
  .map((line) => `<p>${escapeHtml(line)}</p>`)
  .join('\n')}
${key}
${timeline(report)}
${report.dimensions.map((dimension) => table(dimension, report, filtered)).join('\n')}
${more}`;
  return htmlPage({ title: 'Audit trail by bytes', style: STYLE, body });
}

function table(dimension: DimensionReport, report: StatisticsReport, filtered: boolean): string {
  const most = Math.max(1, dimension.rest.bytes, ...dimension.values.map(({ bytes }) => bytes));
  const row = (name: string, sum: Readonly<Sum>, style: string) =>
    `<tr${style}><td>${escapeHtml(name)}</td><td>${humanCount(sum.events)}</td><td>${humanBytes(sum.bytes)}</td>` +
    `<td>${share(sum.bytes, report.bytes)}</td>${filtered ? `<td>${humanBytes(sum.delivered)}</td>` : ''}` +
    `<td class="bar">${bar(sum, most, filtered)}</td></tr>`;
  const rows = dimension.values.map((ranked) => row(nameOf(ranked.value), ranked, ''));
  if (dimension.rest.events > 0) rows.push(row(restName(dimension), dimension.rest, ' class="rest"'));
  return `<section>
<h2>By ${dimension.dimension}</h2>
<table>
<tr><th>${dimension.dimension}</th><th>events</th><th>bytes</th><th>share</th>${filtered ? '<th>delivered</th>' : ''}<th></th></tr>
${rows.join('\n')}
</table>
</section>`;
}

function bar({ bytes, delivered }: Readonly<Sum>, most: number, filtered: boolean): string {
  const width = (part: number) => ((part / most) * 100).toFixed(2);
  const kept = filtered ? `<rect class="kept" width="${width(delivered)}" height="10"/>` : '';
  return `<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="all" width="${width(bytes)}" height="10"/>${kept}</svg>`;
}

function timeline({ timeline: { slices, widthSeconds } }: StatisticsReport): string {
  const [first] = slices;
  const last = slices.at(-1);
  if (first === undefined || last === undefined) return '';
  const most = Math.max(1, ...slices.map(({ bytes }) => bytes));
  const rect = (kind: string, at: number, part: number) => {
    const height = (part / most) * 100;
    return part === 0
      ? ''
      : `<rect class="${kind}" x="${at + 0.05}" y="${(100 - height).toFixed(2)}" width=".9" height="${height.toFixed(2)}"/>`;
  };
  const bars = slices.map(({ bytes, delivered }, at) => {
    const kept = delivered === bytes ? '' : rect('kept', at, delivered);
    return rect('all', at, bytes) + kept;
  });
  return `<section>
<h2>Over time: up to ${humanBytes(most)} in ${humanSeconds(widthSeconds)}</h2>
<svg class="timeline" viewBox="0 0 ${slices.length} 100" preserveAspectRatio="none" role="img" aria-label="bytes over time">${bars.join('')}</svg>
<div class="axis"><span>${timeOf(first.startSeconds)}</span><span>${timeOf(last.startSeconds + widthSeconds)}</span></div>
</section>`;
}
