// How the cost grows: with the length of the log, with that of its lines, and with the number of outputs.
//   npm run build && node bench/growth.mjs [--log FILE] [--rounds 3] [--sizes 100,300,1000,3000,10000] [--lines 1,10,100,1000]
//     [--outputs 1,2,3,4] [--megabytes 300] [--output es] [--out bench] [--add] [--work DIRECTORY]
// Sizes are MB of log, lines KB; lines and outputs are tried with logs of --megabytes. FILE is a recorded audit log: of it come the
// lines of each length, or, where it has too few of one, lists made of its objects. All take turns in each round. Needs as much disk
// as the sizes are together, and leaves out what has no room. Writes GROWTH.md and growth.ndjson after each measurement. Linux only.
import { mkdtempSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { figure, median, spread, table } from './figures.ts';
import { commandLine, machine, version } from './machine.ts';
import { BenchRecord } from './peers/record.ts';
import { catchUp } from './peers/scenarios.mjs';
import { shippers } from './peers/shippers.mjs';
import { Stand } from './peers/stand.mjs';
import { recorded, writeTrail } from './peers/trail.mjs';

/** So many recorded lines of a length are enough to be like others of that length. */
const ENOUGH = 100;
/** What the machine itself may make of the same work between two moments. */
const FLAT = 1.2;

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    log: { type: 'string', default: join(root, 'test/fixtures/events.log') },
    rounds: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '100,300,1000,3000,10000' },
    lines: { type: 'string', default: '1,10,100,1000' },
    outputs: { type: 'string', default: '1,2,3,4' },
    megabytes: { type: 'string', default: '300' },
    output: { type: 'string', default: 'es' },
    out: { type: 'string', default: join(root, 'bench') },
    work: { type: 'string', default: tmpdir() },
    add: { type: 'boolean', default: false },
  },
});
const shipper = shippers(version()).find(({ id }) => id === `auditail-${values.output}`);
if (shipper === undefined) throw new Error(`no output ${values.output}; there are es, es-gzip, http and loki`);
const KINDS = {
  size: { title: 'Length of the log', of: numbers(values.sizes) },
  line: { title: 'Length of the lines', of: numbers(values.lines) },
  outputs: { title: 'Outputs; the cost is that of each', of: numbers(values.outputs) },
};
const record = new BenchRecord(join(values.out, 'growth.ndjson'), values.add);
const stand = await Stand.open(mkdtempSync(join(resolve(values.work), 'auditail-growth-')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stand.close().then(() => process.exit(1)));

function numbers(list) {
  return list === '' ? [] : list.split(',').map(Number);
}

function sized(bytes) {
  if (bytes >= 1e9) return `${bytes / 1e9} GB`;
  return bytes >= 1e6 ? `${bytes / 1e6} MB` : `${bytes / 1e3} KB`;
}

/** Recorded lines of about that length; where there are few, some whose answer is a list of recorded objects. */
function ofLength(lines, bytes) {
  const like = lines.filter(({ length }) => length > bytes * 0.8 && length < bytes * 1.25);
  if (like.length >= ENOUGH) return { lines: like, kind: 'as recorded' };
  const events = lines.map((line) => JSON.parse(line)).filter(({ responseObject }) => responseObject !== undefined);
  if (events.length === 0) return null;
  let at = 0;
  const built = Array.from({ length: Math.min(ENOUGH, Math.ceil(2e7 / bytes)) }, () => {
    const { responseObject: _one, requestObject: _other, ...event } = events[at % events.length];
    const items = [];
    for (let left = bytes - JSON.stringify(event).length; left > 0; at += 1) {
      const item = JSON.stringify(events[at % events.length].responseObject);
      if (item.length <= left || items.length === 0) items.push(item);
      left -= item.length + 1;
    }
    return `${JSON.stringify(event).slice(0, -1)},"responseObject":{"kind":"List","apiVersion":"v1","items":[${items.join(',')}]}}`;
  });
  return { lines: built, kind: 'lists made of recorded objects' };
}

/** What is measured: a log each, and what is set. */
async function prepared(lines) {
  const bytes = Number(values.megabytes) * 1e6;
  const usual = await written(lines, 'usual', bytes);
  const cases = KINDS.outputs.of.map((outputs) => ({
    scenario: 'outputs',
    id: `${outputs}`,
    name: `${outputs}`,
    trail: usual,
    outputs,
  }));
  for (const kilobytes of KINDS.line.of) {
    const chosen = ofLength(lines, kilobytes * 1000);
    if (chosen === null) continue;
    const trail = await written(chosen.lines, `line-${kilobytes}`, bytes);
    const name = `${sized(kilobytes * 1000)} (${chosen.kind}, ${figure(trail.bytes / trail.lines / 1000)} KB)`;
    cases.push({ scenario: 'line', id: `${kilobytes}`, name, trail, outputs: 1 });
  }
  for (const megabytes of KINDS.size.of) {
    const { bavail, bsize } = statfsSync(stand.directory);
    if (bavail * bsize < megabytes * 1.3e6) {
      console.error(`${sized(megabytes * 1e6)}: left out, since there is no room for it in ${values.work}`);
      continue;
    }
    const trail = await written(lines, `size-${megabytes}`, megabytes * 1e6);
    cases.push({ scenario: 'size', id: `${megabytes}`, name: sized(megabytes * 1e6), trail, outputs: 1 });
  }
  return cases;
}

async function written(lines, name, bytes) {
  const file = join(stand.directory, `${name}.log`);
  return { ...(await writeTrail(lines, file, bytes)), file };
}

async function measure({ scenario, id, name, trail, outputs }) {
  const { value, error, others } = await stand.measured(() => catchUp(stand, shipper, trail, undefined, outputs));
  if (error !== undefined) {
    console.error(`${scenario} ${name}: ${error.message}`);
    record.note({ scenario, id, name, figures: null, error: error.message, others });
  } else {
    const gigabytes = trail.bytes / 1e9;
    const cost = value['CPU-s/GB'] * gigabytes;
    const figures = {
      GB: gigabytes,
      'CPU-s': cost,
      'CPU-s/GB': cost / gigabytes / outputs,
      'without the start': (cost - value['of it until the first line, CPU-s']) / gigabytes / outputs,
      'MB/s': value['MB/s'],
      'peak RSS, MB': value['peak RSS, MB'],
    };
    record.note({ scenario, id, name, figures, others });
    const said = Object.entries(figures).map(([what, measured]) => `${what} ${measured.toFixed(2)}`);
    console.log(`${scenario} ${name}: ${said.join(', ')}; others ${(others * 100).toFixed(0)} %`);
  }
  writeFileSync(join(values.out, 'GROWTH.md'), page());
}

function page() {
  const run = record.runs.at(-1);
  const results = record.results();
  const others = median(record.measurements.map((one) => one.others));
  const parts = Object.entries(KINDS).flatMap(([scenario, { title }]) => {
    const rows = (results[scenario] ?? []).toSorted((a, b) => Number(a.id) - Number(b.id));
    if (rows.length === 0) return [];
    return [section(scenario, title, rows)];
  });
  return `# How the cost grows

Written on ${run.date} by

${record.runs.map(({ command, commit }) => `    ${command}   # auditail at ${commit}`).join('\n')}

on ${run.machine}, Node.js ${run.node}; other processes took ${(others * 100).toFixed(1)} % of the processors (median). ${shipper.name}, by ${'`'}run${'`'} over a
backlog in one file; median, lowest and highest of the rounds. The start, which costs the same whatever the log, is what was used up to the first line that arrived.

${parts.join('\n\n')}
`;
}

function section(scenario, title, rows) {
  const columns = ['CPU-s/GB', 'without the start', 'MB/s', 'peak RSS, MB'];
  const further = scenario === 'size' ? furtherCosts(rows) : null;
  const cells = rows.map(({ id, name, figures }, at) => {
    const failed = record.failures(scenario, id);
    const runs = `${figures.length}${failed === 0 ? '' : ` (${failed} not finished)`}`;
    const spreads = columns.map((column) => spread(figures.map((one) => one[column])));
    const more = further === null ? [] : [further[at] === undefined ? '' : figure(further[at])];
    return [name, ...spreads, ...more, runs];
  });
  // What a log costs beside its length (the start, and code that is not optimised yet) is in the first size.
  const costs = (further ?? rows.map(({ figures }) => middle(figures, 'without the start'))).filter(Number.isFinite);
  const head = ['', ...columns, ...(further === null ? [] : ['each further GB, CPU-s']), 'runs'];
  return `## ${title}\n\n${table(head, cells)}\n\n${flatness(costs, further === null ? 'Without the start' : 'Of each further GB')}`;
}

function flatness(costs, what) {
  if (costs.length < 2) return '';
  const times = Math.max(...costs) / Math.min(...costs);
  const verdict = times <= FLAT ? `flat, within ${FLAT}` : `**not flat: more than ${FLAT}**`;
  return `${what}, the dearest takes ${figure(times)} times what the cheapest takes: ${verdict}.`;
}

function middle(figures, column) {
  return median(figures.map((one) => one[column]));
}

/** What each GB costs that a size has more than the one before. */
function furtherCosts(rows) {
  return rows.map(({ figures }, at) => {
    const before = rows[at - 1]?.figures;
    if (before === undefined) return undefined;
    const more = middle(figures, 'GB') - middle(before, 'GB');
    return (middle(figures, 'CPU-s') - middle(before, 'CPU-s')) / more;
  });
}

try {
  const lines = await recorded(values.log);
  const cases = await prepared(lines);
  const { size } = Object.groupBy(cases, ({ scenario }) => scenario);
  record.begin({
    ...machine(),
    command: commandLine('node bench/growth.mjs', values.log),
    trail: { bytes: 0, lines: 0, kept: {}, ...(size?.[0] === undefined ? {} : size[0].trail) },
    programs: { [shipper.program]: shipper.version },
    commands: {},
  });
  for (let round = 0; round < Number(values.rounds); round += 1) {
    console.log(`round ${round + 1} of ${values.rounds}`);
    const from = round % cases.length;
    for (const one of [...cases.slice(from), ...cases.slice(0, from)]) await measure(one);
  }
} finally {
  await stand.close();
}
