// What the benchmark writes: a page with the targets and a table for each scenario, and a chart of the catch-up.
import { figure, median, spread, table } from '../figures.ts';
import { OWN, targets } from '../targets.ts';

const TITLES = {
  'catch-up': 'Catch-up: a backlog in one file; start included, MB/s until 99 of 100 lines have arrived',
  filter:
    'The same with a filter: every event about a lease is dropped; typical: reads by the system as well, redaction on',
  tail: 'Live tail: 500 events a second; from the write of a line to the end of the request that brings it',
  start: 'Start: from the start of the program over a log of 8 MB',
  idle: 'Idle: nothing comes; a hundred backups in the directory',
};
/** Above it the machine was not quiet: the share of the processors that others took. */
const QUIET = 0.05;

function scenarioTable(record, scenario, rows) {
  const columns = [...new Set(rows.flatMap(({ figures }) => figures.flatMap(Object.keys)))];
  const cells = rows.map(({ id, name, figures }) => {
    const failed = record.failures(scenario, id);
    const of = (column) => figures.map((one) => one[column]).filter((value) => value !== undefined);
    return [
      name,
      ...columns.map((column) => spread(of(column))),
      `${figures.length}${failed === 0 ? '' : ` (${failed} not finished)`}`,
    ];
  });
  return table(['shipper', ...columns, 'runs'], cells);
}

function percent(share) {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** What else the machine did meanwhile. */
function quietness({ measurements }) {
  const others = measurements.map((one) => one.others);
  const said = `Other processes took ${percent(median(others))} of the processors (median of all measurements; at most ${percent(Math.max(...others))})`;
  const isQuiet = median(others) <= QUIET;
  return isQuiet ? `${said}.` : `**${said}: these are not the figures of a quiet machine.**`;
}

function longest({ runs }) {
  return runs.toSorted((a, b) => b.trail.bytes - a.trail.bytes)[0];
}

/** The page, Markdown. */
export function report(record) {
  const { date, commit, machine, node } = record.runs.at(-1);
  // One that was added to the others (idle, by itself) may have had a shorter one.
  const { trail } = longest(record);
  const results = record.results();
  const scenarios = Object.keys(TITLES).filter((scenario) => results[scenario] !== undefined);
  const commands = Object.entries(Object.assign({}, ...record.runs.map((one) => one.commands)));
  const programs = Object.entries(Object.assign({}, ...record.runs.map((one) => one.programs)));
  const dropped = (filter) => percent(1 - trail.kept[filter] / trail.lines);
  return `# auditail and its peers

Written on ${date} by

${record.runs.map(({ command, commit: state }) => `    ${command}   # auditail at ${state}`).join('\n')}

on ${machine}, Node.js ${node}. ${quietness(record)}

${(trail.bytes / 1e6).toFixed(0)} MB, ${trail.lines} events of ${(trail.bytes / trail.lines / 1000).toFixed(1)} KB on average; the filter drops ${dropped('leases')} of them, the typical one ${dropped('typical')}. Each figure is the median of the runs, with
the lowest and the highest in brackets; in each round all shippers take their turns, each round in another order. CPU is user and
system time of all processes of the shipper, MB are 10⁶ bytes. The receiver only counts, on the same cores, in a process of its own. Compare
CPU: it depends least on what else the machine does. All measurements one by one: [peers.ndjson](peers.ndjson).

![CPU and throughput of the catch-up](peers.svg)

## What was to be reached, and what is

${targets(results)}

${scenarios.map((scenario) => `## ${TITLES[scenario]}\n\n${scenarioTable(record, scenario, results[scenario])}`).join('\n\n')}

## What is compared

auditail at ${commit} scans and checks every event, keeps a checkpoint, ids from the content (Elasticsearch) and a ledger of every byte; redaction is off but
for the typical filter, since no peer redacts. rsyslog and syslog-ng pass the line through as it is, unparsed, with a queue on disk; the Collector
sends the line as the body of a record. The configurations are in [peers/shippers.mjs](peers/shippers.mjs).

${table(['program', 'version'], programs)}

${commands.map(([name, command]) => `- ${name}: \`${command}\``).join('\n')}
`;
}

const WIDTH = 860;
const ROW = 30;
const LABEL = 330;
const BAR = 190;

/** CPU for each GB, and throughput, as bars with the spread; SVG. */
export function chart(record) {
  const { date, trail } = longest(record);
  const { 'catch-up': all } = record.results();
  const rows = all.flatMap(({ id, name, figures }) =>
    figures.length === 0
      ? []
      : [{ id, name, cpu: figures.map((one) => one['CPU-s/GB']), rate: figures.map((one) => one['MB/s']) }],
  );
  const most = {
    cpu: Math.max(...rows.flatMap(({ cpu }) => cpu)),
    rate: Math.max(...rows.flatMap(({ rate }) => rate)),
  };
  const height = 78 + rows.length * ROW;
  const bar = (values, x, y, largest, color) => {
    const scale = (value) => (value / largest) * BAR;
    const [low, middle, high] = [Math.min(...values), median(values), Math.max(...values)];
    const line = y + ROW / 2 - 4;
    return [
      `<rect x="${x}" y="${y + 4}" width="${scale(middle).toFixed(1)}" height="${ROW - 16}" rx="2" fill="${color}"/>`,
      `<path d="M${(x + scale(low)).toFixed(1)} ${line}H${(x + scale(high)).toFixed(1)}" stroke="#222" stroke-width="1.5"/>`,
      `<text x="${(x + scale(high) + 6).toFixed(1)}" y="${line + 4}">${figure(middle)}</text>`,
    ].join('');
  };
  const drawn = rows.map(({ id, name, cpu, rate }, at) => {
    const y = 62 + at * ROW;
    const own = id.startsWith(OWN);
    return [
      `<text x="${LABEL - 10}" y="${y + ROW / 2}" text-anchor="end"${own ? ' font-weight="600"' : ''}>${escape(name)}</text>`,
      bar(cpu, LABEL, y, most.cpu, own ? '#2463a8' : '#9db4cc'),
      bar(rate, LABEL + BAR + 70, y, most.rate, own ? '#27805a' : '#a3c9b8'),
    ].join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#222">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="12" y="22" font-size="15" font-weight="600">Catch-up of ${(trail.bytes / 1e6).toFixed(0)} MB of audit events (${date}; median, lowest and highest)</text>
<text x="${LABEL}" y="48">CPU-seconds per GB (less is better)</text>
<text x="${LABEL + BAR + 70}" y="48">MB/s (more is better)</text>
${drawn.join('\n')}
</svg>
`;
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
