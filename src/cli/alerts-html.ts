import type { AlertReplay } from '../inspect/alert-replay.ts';
import { escapeHtml } from './escape-html.ts';
import { htmlPage } from './html-page.ts';
import { humanCount } from './human.ts';

const STYLE = `
body { max-width: 76rem; }
th, td { text-align: left; vertical-align: top; overflow-wrap: anywhere; }
td.time { white-space: nowrap; } .critical, .high { font-weight: 600; } .over { opacity: .65; }`;

/** So many alerts are shown one by one. */
const SHOWN = 2000;

/** The section of the alerts, for a page of its own or for that of `stats`. */
export function alertsSection(run: AlertReplay): string {
  const rules = run.report().filter(({ alerts }) => alerts > 0);
  const rows = rules.map(
    ({ name, severity, alerts, matches, firstAt, lastAt }) =>
      `<tr>${[name, severity, humanCount(alerts), humanCount(matches), firstAt, lastAt].map(cell).join('')}</tr>`,
  );
  const alerts = run.told
    .slice(0, SHOWN)
    .map(({ notification: { lastMs, status, severity, rule }, summary, where }) => {
      const over = status === 'resolved';
      const place = where === null ? '' : `${where.name}:${where.line}`;
      return `<tr class="${over ? 'over' : severity}"><td class="time">${new Date(lastMs).toISOString()}</td>${[over ? 'over' : severity, rule, summary, place].map(cell).join('')}</tr>`;
    });
  const more = run.told.length + run.more - alerts.length;
  return `<section>
<h2>Alerts that would have been told</h2>
<table>
<tr><th>rule</th><th>severity</th><th>alerts</th><th>matches</th><th>first</th><th>last</th></tr>
${rows.join('\n')}
</table>
<h2>One by one</h2>
<table>
<tr><th>time</th><th>severity</th><th>rule</th><th>summary</th><th>event</th></tr>
${alerts.join('\n')}
</table>
${more > 0 ? `<p>and ${humanCount(more)} more</p>` : ''}
</section>`;
}

export function alertsHtml(run: AlertReplay): string {
  const body = `<h1>What the alert rules would have told</h1>\n${alertsSection(run)}`;
  return htmlPage({ title: 'Alerts', style: STYLE, body });
}

function cell(text: string): string {
  return `<td>${escapeHtml(text)}</td>`;
}
