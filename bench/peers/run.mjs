// auditail and every peer found on the machine, side by side: catch-up, filter, live tail, start, idle, memory.
//   npm run bench -- [--log FILE] [--rounds 5] [--megabytes 300] [--seconds 15] [--idle 30] [--idle-rounds ROUNDS]
//     [--only NAME,…] [--scenarios NAME,…] [--out bench] [--add] [--work DIRECTORY]
// FILE is a recorded audit log; without it the small one of the tests is repeated. Peers: rsyslog and syslog-ng where
// Debian puts them (or RSYSLOGD, SYSLOG_NG); FLUENT_BIT, VECTOR and OTELCOL name the others. Linux only.
// Writes PEERS.md, peers.svg and peers.ndjson, after each measurement: what is broken off leaves what it has, and with --add
// another run goes on with it. All shippers take turns in each round, so that a slow minute of the machine hits all.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commandLine, machine, version } from '../machine.ts';
import { BenchRecord } from './record.ts';
import { chart, report } from './report.mjs';
import { catchUp, idle, starting, tail } from './scenarios.mjs';
import { shippers } from './shippers.mjs';
import { Stand } from './stand.mjs';
import { recorded, writeTrail } from './trail.mjs';

const SCENARIOS = ['catch-up', 'filter', 'tail', 'start', 'idle'];
/** A start takes a fraction of a second, and each is another. */
const STARTS = 3;
/** More than a body of any shipper. */
const START_BYTES = 8e6;

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    log: { type: 'string', default: join(root, 'test/fixtures/events.log') },
    rounds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '15' },
    idle: { type: 'string', default: '30' },
    'idle-rounds': { type: 'string' },
    only: { type: 'string', default: '' },
    scenarios: { type: 'string', default: SCENARIOS.join(',') },
    out: { type: 'string', default: join(root, 'bench') },
    work: { type: 'string', default: tmpdir() },
    add: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const idleRounds = Number(values['idle-rounds'] ?? rounds);
const seconds = Number(values.seconds);
const chosen = values.scenarios.split(',');
const strange = chosen.find((name) => !SCENARIOS.includes(name));
if (strange !== undefined) throw new Error(`no scenario ${strange}; there are ${SCENARIOS.join(', ')}`);
const wanted = values.only === '' ? [] : values.only.split(',');
const present = shippers(version()).filter(
  ({ id }) => wanted.length === 0 || wanted.some((name) => id.startsWith(name)),
);
/** One of each program. */
const programs = present.filter(({ program }, at) => present.findIndex((one) => one.program === program) === at);
const record = new BenchRecord(join(values.out, 'peers.ndjson'), values.add);
const stand = await Stand.open(mkdtempSync(join(resolve(values.work), 'auditail-peers-')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stand.close().then(() => process.exit(1)));

function writePages() {
  writeFileSync(join(values.out, 'PEERS.md'), report(record));
  if (record.results()['catch-up'] !== undefined) writeFileSync(join(values.out, 'peers.svg'), chart(record));
}

/** Takes a measurement (of several shippers at once where they are idle together) and writes it down. */
async function measure(scenario, all, measuring) {
  const { value = [], error, others } = await stand.measured(measuring);
  for (const [at, { id, name }] of all.entries()) {
    const figures = value[at] ?? error;
    if (figures instanceof Error) {
      console.error(`${scenario}: ${name}: ${figures.message}`);
      record.note({ scenario, id, name, figures: null, error: figures.message, others });
    } else {
      record.note({ scenario, id, name, figures, others });
      const said = Object.entries(figures).map(([what, measured]) => `${what} ${measured.toFixed(2)}`);
      console.log(`${scenario}: ${name}: ${said.join(', ')}; others ${(others * 100).toFixed(0)} %`);
    }
  }
  writePages();
}

/** Each in turn, in another order each round. */
async function turns(scenario, all, round, measuring) {
  const from = round % all.length;
  for (const one of [...all.slice(from), ...all.slice(0, from)]) {
    await measure(scenario, [one], async () => [await measuring(one)]);
  }
}

/** What a scenario runs: the shipper, by its name and what is set besides. */
function as({ id, name }, suffix, title, settings) {
  return { id: `${id}${suffix}`, name: `${name}${title}`, ...settings };
}

function ofProgram(settingsOf) {
  return programs.flatMap((shipper) => settingsOf(shipper, shipper.program === 'auditail'));
}

try {
  const lines = await recorded(values.log);
  const file = join(stand.directory, 'trail.log');
  const trail = { ...(await writeTrail(lines, file, Number(values.megabytes) * 1e6)), file };
  const first = join(stand.directory, 'first.log');
  const short = { ...(await writeTrail(lines, first, START_BYTES)), file: first };
  record.begin({
    ...machine(),
    command: commandLine('npm run bench --', values.log),
    trail: { bytes: trail.bytes, lines: trail.lines, kept: trail.kept },
    programs: Object.fromEntries(present.map((one) => [one.program, one.version])),
    commands: Object.fromEntries(
      present.map(({ name, command }) => {
        const words = command({ place: (path) => `DIRECTORY/${path}`, state: 'DIRECTORY/state' });
        return [name, words.map((word) => word.replace(/^\/.*\//, '')).join(' ')];
      }),
    ),
  });
  const filtered = ofProgram((shipper, own) => [
    as(shipper, '', '', { shipper, filter: 'leases' }),
    ...(own ? [as(shipper, '-typical', ', typical filter', { shipper, filter: 'typical' })] : []),
  ]);
  const latent = ofProgram((shipper, own) =>
    own
      ? [
          as(shipper, '-5ms', ', `maxDelay: 5ms`', { shipper, maxDelay: '5ms' }),
          as(shipper, '-default', ', default', { shipper }),
        ]
      : [as(shipper, '', '', { shipper })],
  );
  for (let round = 0; round < rounds; round += 1) {
    console.log(`round ${round + 1} of ${rounds}`);
    if (chosen.includes('catch-up'))
      await turns('catch-up', present, round, (shipper) => catchUp(stand, shipper, trail, undefined));
    if (chosen.includes('filter'))
      await turns('filter', filtered, round, ({ shipper, filter }) => catchUp(stand, shipper, trail, filter));
    if (chosen.includes('tail'))
      await turns('tail', latent, round, ({ shipper, maxDelay }) => tail(stand, shipper, lines, { seconds, maxDelay }));
    if (chosen.includes('start'))
      for (let again = 0; again < STARTS; again += 1)
        await turns('start', programs, round + again, (shipper) => starting(stand, shipper, short));
    if (chosen.includes('idle') && round < idleRounds)
      await measure('idle', programs, () => idle(stand, programs, lines, Number(values.idle)));
  }
} finally {
  await stand.close();
}
