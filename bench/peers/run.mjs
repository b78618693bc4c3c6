// auditail and every peer found on the machine, side by side: catch-up, filter, live tail, idle, memory.
//   npm run bench -- [--log FILE] [--rounds 5] [--megabytes 300] [--seconds 15] [--idle 30] [--only NAME,…] [--scenarios NAME,…] [--out bench]
// FILE is a recorded audit log; without it the small one of the tests is repeated. Peers: rsyslog and syslog-ng where
// Debian puts them (or RSYSLOGD, SYSLOG_NG); FLUENT_BIT, VECTOR and OTELCOL name the others. Linux only.
// Writes PEERS.md and peers.svg. All shippers take turns in each round, so that a slow minute of the machine hits all.
import { execFileSync, fork } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chart, report } from './report.mjs';
import { start } from './running.mjs';
import { shippers } from './shippers.mjs';
import { numbered, recorded, writeTrail } from './trail.mjs';

const SCENARIOS = ['catch-up', 'filter', 'tail', 'idle'];
const EVENTS_PER_SECOND = 500;
const BACKUPS = 100;
const STALL_MS = 20_000;

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    log: { type: 'string', default: join(root, 'test/fixtures/events.log') },
    rounds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '15' },
    idle: { type: 'string', default: '30' },
    only: { type: 'string', default: '' },
    scenarios: { type: 'string', default: SCENARIOS.join(',') },
    out: { type: 'string', default: join(root, 'bench') },
    work: { type: 'string', default: tmpdir() },
  },
});
const rounds = Number(values.rounds);
const directory = mkdtempSync(join(resolve(values.work), 'auditail-peers-'));
const receiver = fork(fileURLToPath(new URL('receiver.mjs', import.meta.url)), { serialization: 'advanced' });
const { port } = await told();
const wanted = values.only === '' ? [] : values.only.split(',');
const present = shippers(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version).filter(
  ({ id }) => wanted.length === 0 || wanted.some((name) => id.startsWith(name)),
);
/** Results by scenario and shipper, one a round. */
const results = Object.fromEntries(SCENARIOS.map((scenario) => [scenario, {}]));
let runs = 0;
/** What is to be ended, whatever happens. */
const started = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await Promise.all([...started].map((one) => one.stop()));
    rmSync(directory, { recursive: true, force: true });
    process.exit(1);
  });
}

/** The next message of the receiver. */
function told() {
  return new Promise((done, failed) => {
    const exited = () => failed(new Error('the receiver has ended'));
    receiver.once('exit', exited);
    receiver.once('message', (message) => {
      receiver.off('exit', exited);
      done(message);
    });
  });
}

async function ask(what) {
  receiver.send(what);
  return (await told()).answer;
}

/** Starts a shipper over a log that `prepare` makes. */
function begin(shipper, settings, prepare) {
  runs += 1;
  const place = join(directory, `run-${runs}`);
  mkdirSync(join(place, 'log'), { recursive: true });
  const log = join(place, 'log', 'audit.log');
  prepare(log);
  const running = start(shipper, place, { ...settings, log, port });
  started.add(running);
  return { log, running };
}

async function end(ending) {
  await ending.stop();
  started.delete(ending);
  rmSync(ending.directory, { recursive: true, force: true });
}

/** Runs a shipper, gives what `during` gives, and ends it. */
async function run(shipper, settings, prepare, during) {
  const { log, running } = begin(shipper, settings, prepare);
  try {
    return await during(log, running);
  } finally {
    await end(running);
  }
}

/** Waits until so many different lines have come; `startSeconds` is the CPU until the first of them had. */
async function arrived(lines, running) {
  let last = { distinct: 0, at: performance.now() };
  let startSeconds = null;
  while (true) {
    const stats = await ask({ ask: 'stats' });
    if (stats.distinct > 0) startSeconds ??= running.usage().cpuSeconds;
    if (stats.distinct >= lines) return { ...stats, startSeconds };
    if (stats.distinct > last.distinct) last = { distinct: stats.distinct, at: performance.now() };
    if (!running.alive || performance.now() - last.at > STALL_MS) {
      throw new Error(`${running.shipper.name}: ${stats.distinct} of ${lines} lines came\n${running.words}`);
    }
    await sleep(10);
  }
}

async function catchUp(shipper, trail, filtered) {
  await ask({ ask: 'begin', lines: trail.lines, filtered });
  const begun = performance.now();
  const during = async (_log, running) => {
    const stats = await arrived(filtered ? trail.kept : trail.lines, running);
    const seconds = (performance.now() - begun) / 1000;
    const { cpuSeconds, peakMb } = running.usage();
    return {
      'CPU-s/GB': cpuSeconds / (trail.bytes / 1e9),
      'MB/s': trail.bytes / 1e6 / seconds,
      'of it until the first line, CPU-s': stats.startSeconds,
      'peak RSS, MB': peakMb,
      'sent, MB': stats.wireBytes / 1e6,
      twice: stats.events / (shipper.marks ?? 1) - stats.distinct,
    };
  };
  return run(shipper, { filtered }, (log) => linkSync(trail.file, log), during);
}

/** A line every two milliseconds; how long each takes from its write to the end of the request that brings it. */
async function tail(shipper, lines, maxDelay) {
  const seconds = Number(values.seconds);
  const count = seconds * EVENTS_PER_SECOND;
  await ask({ ask: 'begin', lines: count + 1, timed: true });
  const written = new Float64Array(count + 1);
  const during = async (log, running) => {
    await arrived(1, running);
    await sleep(1500);
    const before = running.usage();
    const file = openSync(log, 'a');
    const begun = performance.now();
    for (let number = 1; number <= count; ) {
      const due = Math.min(count, Math.floor(((performance.now() - begun) * EVENTS_PER_SECOND) / 1000));
      for (; number <= due; number += 1) {
        written[number] = Number(process.hrtime.bigint());
        writeSync(file, `${numbered(lines[number % lines.length], number)}\n`, null, 'latin1');
      }
      await sleep(1);
    }
    closeSync(file);
    await arrived(count + 1, running);
    const after = running.usage();
    const arrivals = await ask({ ask: 'arrivals' });
    const sorted = arrivals
      .map((at, number) => (at - written[number]) / 1e6)
      .subarray(1)
      .toSorted();
    return {
      'p50, ms': sorted[Math.floor(count * 0.5)],
      'p99, ms': sorted[Math.floor(count * 0.99)],
      'CPU, % of a core': ((after.cpuSeconds - before.cpuSeconds) / ((performance.now() - begun) / 1000)) * 100,
      'peak RSS, MB': after.peakMb,
    };
  };
  const first = (log) => writeFileSync(log, `${numbered(lines[0], 0)}\n`, 'latin1');
  return run(shipper, maxDelay === undefined ? {} : { maxDelay }, first, during);
}

/** A log with backups beside it. */
function writeBackups(lines, log) {
  for (let backup = 0; backup < BACKUPS; backup += 1) {
    const instant = new Date(Date.UTC(2026, 0, 1) + backup * 1000).toISOString().slice(0, -1).replaceAll(':', '-');
    const line = numbered(lines[backup % lines.length], backup);
    writeFileSync(log.replace('audit.log', `audit-${instant}.log`), `${line}\n`, 'latin1');
  }
  writeFileSync(log, `${numbered(lines[0], BACKUPS)}\n`, 'latin1');
}

/** Nothing comes: all at the same time, since they are in nobody's way then. */
async function idle(all, lines) {
  await ask({ ask: 'begin', lines: BACKUPS + 1 });
  const begun = all.map((shipper) => begin(shipper, {}, (log) => writeBackups(lines, log)).running);
  try {
    await sleep(10_000);
    const before = begun.map((running) => running.usage());
    await sleep(Number(values.idle) * 1000);
    return begun.map((running, at) => {
      if (!running.alive) throw new Error(`${running.shipper.name} has ended: ${running.words}`);
      const after = running.usage();
      const seconds = after.threadSeconds - before[at].threadSeconds;
      return { 'CPU, % of a core': (seconds / Number(values.idle)) * 100, 'RSS, MB': after.rssMb };
    });
  } finally {
    await Promise.all(begun.map(end));
  }
}

/** The first of each program. */
function onePerProgram() {
  return present.filter(({ program }, at) => present.findIndex((one) => one.program === program) === at);
}

/** After each round, so that one that is broken off leaves something. */
function writePage(trail, done) {
  const facts = {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).trim(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    rounds: done,
    trail,
    values,
    present,
    dropped: 1 - trail.kept / trail.lines,
    load: readFileSync('/proc/loadavg', 'utf8').split(' ', 1)[0],
  };
  writeFileSync(join(values.out, 'PEERS.md'), report(results, facts));
  writeFileSync(join(values.out, 'peers.svg'), chart(results['catch-up'], facts));
}

async function note(scenario, name, measuring) {
  const all = (results[scenario][name] ??= []);
  try {
    const measured = await measuring;
    all.push(measured);
    const said = Object.entries(measured).map(([what, value]) => `${what} ${value.toFixed(2)}`);
    console.log(`${scenario}: ${name}: ${said.join(', ')}`);
  } catch (error) {
    console.error(`${scenario}: ${error.message}`);
    all.push(null);
  }
}

/** All in turn, in another order each round. */
function turns(all, round) {
  const from = round % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
}

try {
  const lines = await recorded(values.log);
  const file = join(directory, 'trail.log');
  const trail = { ...(await writeTrail(lines, file, Number(values.megabytes) * 1e6)), file };
  const chosen = values.scenarios.split(',');
  const latent = onePerProgram().flatMap((shipper) =>
    shipper.id.startsWith('auditail')
      ? [
          { shipper, name: `${shipper.name}, \`maxDelay: 5ms\``, maxDelay: '5ms' },
          { shipper, name: `${shipper.name}, default`, maxDelay: undefined },
        ]
      : [{ shipper, name: shipper.name, maxDelay: undefined }],
  );
  for (let round = 0; round < rounds; round += 1) {
    console.log(`round ${round + 1} of ${rounds}`);
    if (chosen.includes('catch-up'))
      for (const shipper of turns(present, round)) await note('catch-up', shipper.name, catchUp(shipper, trail, false));
    if (chosen.includes('filter'))
      for (const shipper of turns(onePerProgram(), round))
        await note('filter', shipper.name, catchUp(shipper, trail, true));
    if (chosen.includes('tail'))
      for (const { shipper, name, maxDelay } of turns(latent, round))
        await note('tail', name, tail(shipper, lines, maxDelay));
    if (chosen.includes('idle')) {
      const measuring = idle(onePerProgram(), lines);
      for (const [at, { name }] of onePerProgram().entries())
        await note(
          'idle',
          name,
          measuring.then((all) => all[at]),
        );
    }
    writePage(trail, round + 1);
  }
} finally {
  receiver.disconnect();
  rmSync(directory, { recursive: true, force: true });
}
