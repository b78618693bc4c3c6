// What the benchmark writes: a page with a table for each scenario, and a chart of the catch-up.

const TITLES = {
  'catch-up': 'Catch-up: a backlog in one file, until the last line has arrived; start included',
  filter: 'The same with a filter that drops every event about a lease',
  tail: 'Live tail: 500 events a second; from the write of a line to the end of the request that brings it',
  idle: 'Idle: nothing comes; a hundred backups in the directory',
};

function figure(value) {
  if (value === 0) return '0';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Median and spread: `2.1 (2.0–2.4)`. */
function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [figure(sorted[0]), figure(sorted.at(-1))];
  return low === high ? low : `${figure(median(sorted))} (${low}–${high})`;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function table(runs) {
  const columns = Object.keys(
    Object.values(runs)
      .flat()
      .find((one) => one !== null) ?? {},
  );
  const rows = Object.entries(runs).map(([name, all]) => {
    const sound = all.filter((one) => one !== null);
    const failed = all.length - sound.length;
    const cells = columns.map((column) => (sound.length === 0 ? '–' : spread(sound.map((one) => one[column]))));
    return `| ${name} | ${cells.join(' | ')} | ${sound.length}${failed === 0 ? '' : ` (${failed} not finished)`} |`;
  });
  return [`| shipper | ${columns.join(' | ')} | runs |`, `| --- |${' --- |'.repeat(columns.length + 1)}`, ...rows].join(
    '\n',
  );
}

function mean({ bytes, lines }) {
  return `${(bytes / lines / 1000).toFixed(1)} KB`;
}

function placed(name) {
  return `DIRECTORY/${name}`;
}

/** The page, Markdown. */
export function report(results, facts) {
  const { date, commit, machine, node, rounds, trail, values, present, dropped, load } = facts;
  const versions = new Map(present.map(({ program, version }) => [program, version]));
  const scenarios = Object.entries(results).filter(([, runs]) => Object.keys(runs).length > 0);
  const commands = present.map((shipper) => {
    return `- ${shipper.name}: \`${shipper
      .command({ place: placed, state: 'DIRECTORY/state' })
      .map((word) => word.replace(/^\/.*\//, ''))
      .join(' ')}\``;
  });
  return `# auditail and its peers

Written by \`npm run bench -- --log LOG --rounds ${rounds} --megabytes ${values.megabytes} --seconds ${values.seconds} --idle ${values.idle}\`
on ${date}, auditail at ${commit}; ${machine}, Node.js ${node}, load ${load} at the end (the receiver is one of the processes that make it).

${(trail.bytes / 1e6).toFixed(0)} MB, ${trail.lines} events of ${mean(trail)} on average; the filter drops ${(dropped * 100).toFixed(0)} % of them. Each figure is the median of the rounds, with
the lowest and the highest in brackets; in each round all shippers take their turns, each round in another order. CPU is user and
system time of all processes of the shipper. The receiver only counts, on the same cores, in a process of its own. Compare
CPU: it depends least on what else the machine does.

![CPU and throughput of the catch-up](peers.svg)

${scenarios.map(([scenario, runs]) => `## ${TITLES[scenario]}\n\n${table(runs)}`).join('\n\n')}

## What is compared

auditail scans and checks every event, keeps a checkpoint, ids from the content (Elasticsearch) and a ledger of every byte; redaction is off,
since no peer redacts. rsyslog and syslog-ng pass the line through as it is, unparsed, with a queue on disk; the Collector
sends the line as the body of a record. The configurations are in [peers/shippers.mjs](peers/shippers.mjs).

| program | version |
| --- | --- |
${[...versions].map(([name, version]) => `| ${name} | ${version} |`).join('\n')}

${commands.join('\n')}
`;
}

const WIDTH = 860;
const ROW = 30;
const LABEL = 330;
const BAR = 190;

/** CPU for each GB, and throughput, as bars with the spread; SVG. */
export function chart(runs, { date, trail }) {
  const rows = Object.entries(runs).flatMap(([name, all]) => {
    const sound = all.filter((one) => one !== null);
    return sound.length === 0
      ? []
      : [{ name, cpu: sound.map((one) => one['CPU-s/GB']), rate: sound.map((one) => one['MB/s']) }];
  });
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
      `<text x="${(x + scale(high) + 6).toFixed(1)}" y="${line + 4}">${middle >= 100 ? middle.toFixed(0) : middle.toFixed(1)}</text>`,
    ].join('');
  };
  const drawn = rows.map(({ name, cpu, rate }, at) => {
    const y = 62 + at * ROW;
    const own = name.startsWith('auditail');
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
