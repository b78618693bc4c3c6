// What the agent costs an API server that has no processor to spare: a real one, with its load generator, on the same machine.
//   npm run build && node bench/pressure.mjs [--rounds 5] [--seconds 10] [--variants NAME,…] [--log FILE] [--backlog 1500] [--mix meta]
//     [--servers FOLDER] [--out bench] [--add] [--work DIRECTORY]
// The load never ends. One stretch of --seconds with the agent is between two without; what counts is its rate of requests over the
// mean of theirs, so that neither what the API server has gathered meanwhile nor a slow minute weighs in. The rate comes from
// the times in the audit log, which is read between the stretches. FOLDER holds the scripts that start servers (as for the tests,
// AUDITAIL_SHARED); --backlog is MB of the log FILE that lie there to be caught up with. Writes PRESSURE.md and pressure.ndjson after
// each stretch. Linux only.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startApiServer } from '../test/support/kube-apiserver.ts';
import { shared } from '../test/support/shared.ts';
import { figure, median, spread, table } from './figures.ts';
import { busySeconds, commandLine, cpuSecondsOf, machine, version } from './machine.ts';
import { BenchRecord } from './peers/record.ts';
import { recorded, writeTrail } from './peers/trail.mjs';
import { verdict } from './targets.ts';

const GOAL = 0.98;
/** Until a started agent follows, and its start is over. */
const STARTING_MS = 2000;
const LOADGEN = join(process.env.SERVERS_CACHE ?? '/var/tmp/auditail-servers', 'kube-loadgen');
const CGROUPS = '/sys/fs/cgroup/cpu';
/** As Kubernetes makes them of requests: what daemonset.yaml asks for, and what kubeadm does for an API server. */
const SHARES = { agent: 51, server: 256 };

const VARIANTS = [
  { id: 'follow', name: 'follows the log of the API server', goal: true },
  { id: 'follow-nice', name: 'the same, nice 10 (the unit)', nice: 10, goal: true },
  { id: 'backlog', name: 'catches up with a backlog', backlog: true },
  { id: 'backlog-nice', name: 'the same, nice 10', backlog: true, nice: 10 },
  { id: 'backlog-rate', name: 'the same, `maxReadRate: 5Mi`', backlog: true, maxReadRate: '5Mi' },
  {
    id: 'backlog-shares',
    name: `the same, in cgroups: ${SHARES.agent} shares (50m) for the agent, ${SHARES.server} (250m) for the server and its clients`,
    backlog: true,
    shares: true,
  },
];

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    variants: { type: 'string', default: VARIANTS.map(({ id }) => id).join(',') },
    log: { type: 'string', default: join(root, 'test/fixtures/events.log') },
    backlog: { type: 'string', default: '1500' },
    mix: { type: 'string', default: 'meta' },
    servers: { type: 'string', default: shared('servers') ?? '' },
    out: { type: 'string', default: join(root, 'bench') },
    work: { type: 'string', default: tmpdir() },
    add: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const wanted = values.variants.split(',');
const variants = VARIANTS.filter(
  ({ id, shares }) => wanted.includes(id) && (shares !== true || existsSync(`${CGROUPS}/cpu.shares`)),
);
if (!existsSync(join(values.servers, 'kube-apiserver/up.sh')))
  throw new Error('there is no API server to start: name the scripts by --servers');
const record = new BenchRecord(join(values.out, 'pressure.ndjson'), values.add);
const directory = mkdtempSync(join(resolve(values.work), 'auditail-pressure-'));
const ending = [() => rmSync(directory, { recursive: true, force: true })];
/** That of the stretch that runs. */
let agent = null;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void endAll().then(() => process.exit(1)));

async function endAll() {
  await agent?.stop();
  for (const end of ending.splice(0).toReversed()) await end();
}

/** Takes what it gets, and answers. */
async function openReceiver() {
  const received = { bytes: 0 };
  const server = createServer((request, response) => {
    request.on('data', (chunk) => (received.bytes += chunk.length));
    request.on('end', () => response.end());
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  ending.push(() => server.close());
  return { received, url: `http://127.0.0.1:${server.address().port}/` };
}

/** Counts requests that ended in a stretch, of what has come into the log since it was last asked. */
class RequestCount {
  #file;
  #at = 0;
  #rest = '';

  constructor(path) {
    this.#file = openSync(path, 'r');
    ending.push(() => closeSync(this.#file));
  }

  between(from, to) {
    const chunk = Buffer.allocUnsafe(1 << 20);
    let count = 0;
    for (let length = -1; length !== 0; this.#at += length) {
      length = readSync(this.#file, chunk, 0, chunk.length, this.#at);
      const lines = (this.#rest + chunk.latin1Slice(0, length)).split('\n');
      this.#rest = lines.pop();
      for (const line of lines) {
        const ended = line.includes('"stage":"ResponseComplete"') || line.includes('"stage":"ResponseStarted"');
        const time = ended ? Date.parse(/"stageTimestamp":"([^"]*)"/.exec(line)?.[1]) : Number.NaN;
        if (time >= from && time < to) count += 1;
      }
    }
    return count;
  }
}

function startAgent(variant, { auditLog, backlogFile, url }) {
  const home = mkdtempSync(join(directory, 'agent-'));
  const config = join(home, 'auditail.yaml');
  const rate = variant.maxReadRate === undefined ? {} : { maxReadRate: variant.maxReadRate };
  const source = variant.backlog ? { path: backlogFile, ...rate } : { path: auditLog, startAt: 'newest' };
  writeFileSync(
    config,
    JSON.stringify({
      stateDirectory: join(home, 'state'),
      sources: [{ name: 'kube', type: 'file', ...source }],
      outputs: [{ name: 'out', type: 'http', url }],
      telemetry: { listen: 'off' },
    }),
  );
  const words = [process.execPath, join(root, 'bin/auditail.js'), 'run', '--config', config];
  if (variant.nice !== undefined) words.unshift('nice', '-n', `${variant.nice}`);
  if (variant.shares) words.unshift('sh', '-c', 'echo $$ >"$0" && exec "$@"', `${group('agent')}/cgroup.procs`);
  const said = openSync(join(home, 'said'), 'w');
  const child = spawn(words[0], words.slice(1), {
    stdio: ['ignore', said, said],
    env: { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' },
  });
  closeSync(said);
  const ended = new Promise((done) => child.once('close', done));
  return {
    pid: child.pid,
    check() {
      if (child.exitCode !== null)
        throw new Error(`the agent has ended: ${readFileSync(join(home, 'said'), 'utf8').slice(-2000)}`);
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function group(name) {
  return `${CGROUPS}/auditail-bench-${process.pid}-${name}`;
}

/** Puts processes into a cgroup with its shares; with none, back to where they came from. */
function place(pids, name) {
  if (name !== undefined && !existsSync(group(name))) {
    mkdirSync(group(name));
    writeFileSync(`${group(name)}/cpu.shares`, `${SHARES[name]}`);
    ending.push(() => {
      // In a stretch that is broken off they are in it still.
      const left = readFileSync(`${group(name)}/cgroup.procs`, 'utf8').split('\n');
      for (const pid of left.filter((text) => text !== '')) writeFileSync(`${CGROUPS}/cgroup.procs`, pid);
      rmdirSync(group(name));
    });
  }
  const procs = `${name === undefined ? CGROUPS : group(name)}/cgroup.procs`;
  for (const pid of pids) writeFileSync(procs, `${pid}`);
}

async function setUp() {
  const server = await startApiServer(join(values.servers, 'kube-apiserver'), { AUDIT_MAXSIZE: '100000' });
  ending.push(() => server.stop());
  const backlogFile = join(directory, 'backlog', 'audit.log');
  mkdirSync(join(directory, 'backlog'));
  const trail = variants.some(({ backlog }) => backlog)
    ? await writeTrail(await recorded(values.log), backlogFile, Number(values.backlog) * 1e6)
    : null;
  const load = spawn(LOADGEN, ['-addr', server.url, '-dur', '24h', '-workers', '16', '-mix', values.mix], {
    stdio: 'ignore',
  });
  const loadEnded = new Promise((done) => load.once('close', done));
  ending.push(() => (load.kill('SIGKILL'), loadEnded));
  const pidOf = (name) => Number(readFileSync(join(server.directory, `${name}.pid`), 'utf8'));
  const servers = { apiserver: pidOf('apiserver'), etcd: pidOf('etcd'), load: load.pid };
  // It makes what its requests are about first.
  await sleep(8000);
  return {
    auditLog: server.auditLog,
    backlogFile,
    servers,
    trail,
    counts: new RequestCount(server.auditLog),
    ...(await openReceiver()),
  };
}

/** One stretch: what it did a second. */
async function stretch(scene, variant) {
  const { servers, received, counts } = scene;
  const all = Object.values(servers);
  if (variant?.shares) {
    place(all, 'server');
    place([], 'agent');
  }
  agent = variant === undefined ? null : startAgent(variant, scene);
  try {
    await sleep(STARTING_MS);
    const usage = () => ({
      at: Date.now(),
      busy: busySeconds(),
      agent: agent === null ? 0 : cpuSecondsOf(agent.pid),
      servers: all.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
      own: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
      bytes: received.bytes,
    });
    const before = usage();
    await sleep(seconds * 1000);
    const after = usage();
    agent?.check();
    const lasted = (after.at - before.at) / 1000;
    const per = (what) => (after[what] - before[what]) / lasted;
    await sleep(300);
    return {
      rate: counts.between(before.at, after.at) / lasted,
      busy: per('busy') / cpus().length,
      agent: per('agent'),
      megabytes: per('bytes') / 1e6,
      others: Math.max(0, per('busy') - per('agent') - per('servers') - per('own')) / cpus().length,
    };
  } finally {
    await agent?.stop();
    agent = null;
    if (variant?.shares) place(all, undefined);
  }
}

function page() {
  const run = record.runs.at(-1);
  const results = record.results().pressure ?? [];
  const columns = ['requests/s, times those without', 'requests/s', 'agent, % of a core', 'sent, MB/s'];
  const rows = VARIANTS.flatMap(({ id, name, goal }) => {
    const row = results.find((one) => one.id === id);
    if (row === undefined || row.figures.length === 0) return [];
    const of = (column) => row.figures.map((one) => one[column]);
    const times = of(columns[0]);
    const error = Math.sqrt(variance(times) / times.length);
    const said = goal ? `≥ ${GOAL}: ${verdict(median(times), GOAL, true)}` : '';
    return [
      [
        name,
        ...columns.map((column) => spread(of(column))),
        `${times.length < 2 ? '' : `± ${error.toFixed(3)}`}`,
        said,
        `${times.length}`,
      ],
    ];
  });
  const without = results.flatMap(({ figures }) => figures.map((one) => one['requests/s without']));
  const busy = results.flatMap(({ figures }) => figures.map((one) => one['busy without, %']));
  const others = record.measurements.map((one) => one.others * 100);
  return `# Beside a busy API server

Written on ${run.date} by

${record.runs.map(({ command, commit }) => `    ${command}   # auditail at ${commit}`).join('\n')}

on ${run.machine}, Node.js ${run.node}. A real API server (policy of GCE) with etcd and clients that ask for all they get: without the agent
${spread(without)} audited requests/s, the processors ${spread(busy)} % busy; other processes took ${spread(others)} % of them. Each row: the stretches with the agent, each held
against the mean of the stretch before and the one after it, without; median, lowest and highest, and the standard error of the mean ratio. The receiver
of what is sent has to be paid for on the same processors and is not in the agent's share; the agent's configuration is the default (redaction on).

${table(['the agent', ...columns, 'error of the ratio', 'goal', 'stretches'], rows)}
`;
}

function variance(all) {
  const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
  return all.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (all.length - 1);
}

try {
  const scene = await setUp();
  record.begin({
    ...machine(),
    command: commandLine('node bench/pressure.mjs', values.log),
    trail: { bytes: scene.trail?.bytes ?? 0, lines: scene.trail?.lines ?? 0, kept: {} },
    programs: { auditail: version() },
    commands: {},
  });
  let before = await stretch(scene, undefined);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const from = round % variants.length;
    for (const variant of [...variants.slice(from), ...variants.slice(0, from)]) {
      const during = await stretch(scene, variant);
      const after = await stretch(scene, undefined);
      const without = (before.rate + after.rate) / 2;
      const figures = {
        'requests/s, times those without': during.rate / without,
        'requests/s': during.rate,
        'requests/s without': without,
        'busy without, %': ((before.busy + after.busy) / 2) * 100,
        'agent, % of a core': during.agent * 100,
        'sent, MB/s': during.megabytes,
      };
      record.note({ scenario: 'pressure', id: variant.id, name: variant.name, figures, others: during.others });
      console.log(
        `${variant.name}: ${Object.entries(figures)
          .map(([what, value]) => `${what} ${figure(value)}`)
          .join(', ')}; others ${(during.others * 100).toFixed(0)} %`,
      );
      writeFileSync(join(values.out, 'PRESSURE.md'), page());
      before = after;
    }
  }
} finally {
  await endAll();
}
