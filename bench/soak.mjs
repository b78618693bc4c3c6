// Whether memory grows: the agent follows a log that is written at a steady rate and rotated, for as long as is asked.
//   npm run build && node bench/soak.mjs [--log FILE] [--minutes 30] [--rate 20] [--size 50] [--backups 5] [--samples FILE] [--source JSON]
// FILE is a recorded audit log; the rate is MB/s, the size MiB at which the log rotates; JSON has more settings of the source. Once a second it notes resident
// memory, heap and what lies outside of it (--samples: in a file, as they come, so that a run that is broken off leaves them), and at
// the end says by how much each grew per hour: the slope of the line with the least squares through the means of twenty equal
// stretches after the first fifth, with its standard error. (Single samples depend on the one before: an error from them would be
// far too small.) The agent runs in the environment of the image and the unit. Exit code 1 where a line is missing. Linux only.
import { fork, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AuditLog } from '../src/demo/audit-log.ts';
import { numbered, recorded } from './peers/trail.mjs';

const TELEMETRY = '127.0.0.1:19465';
const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    log: { type: 'string', default: join(root, 'test/fixtures/events.log') },
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '20' },
    size: { type: 'string', default: '50' },
    backups: { type: 'string', default: '5' },
    samples: { type: 'string' },
    source: { type: 'string', default: '{}' },
    work: { type: 'string', default: tmpdir() },
  },
});
const seconds = Number(values.minutes) * 60;
const bytesPerMs = Number(values.rate) * 1000;
const directory = mkdtempSync(join(resolve(values.work), 'auditail-soak-'));
const receiver = fork(fileURLToPath(new URL('peers/receiver.mjs', import.meta.url)), { serialization: 'advanced' });

function told() {
  return new Promise((done) => receiver.once('message', done));
}

function ask(what) {
  receiver.send(what);
  return told().then(({ answer }) => answer);
}

function startAgent(path, port) {
  const config = join(directory, 'auditail.yaml');
  const output = { name: 'out', type: 'elasticsearch', url: `http://127.0.0.1:${port}`, index: 'audit' };
  const settings = {
    stateDirectory: join(directory, 'state'),
    sources: [{ name: 'kube', type: 'file', path, ...JSON.parse(values.source) }],
    outputs: [output],
    telemetry: { listen: TELEMETRY },
  };
  writeFileSync(config, JSON.stringify(settings));
  const said = openSync(join(directory, 'said'), 'w');
  const agent = spawn(process.execPath, [join(root, 'bin/auditail.js'), 'run', '--config', config], {
    stdio: ['ignore', said, said],
    env: { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' },
  });
  closeSync(said);
  return agent;
}

/** MB of memory by kind; null while it does not answer. */
async function sample(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const page = await fetch(`http://${TELEMETRY}/metrics`).then(
    (response) => response.text(),
    () => null,
  );
  if (page === null) return null;
  const metric = (name) =>
    Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(page)?.[1] ?? Number.NaN) / 1e6;
  return {
    rss: (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024) / 1e6,
    heap: metric('nodejs_heap_size_used_bytes'),
    external: metric('nodejs_external_memory_bytes'),
    behind: metric('auditail_lag_bytes'),
  };
}

/** So many means of samples: longer than what memory does by itself between two collections, and enough for an error. */
const STRETCHES = 20;

function means(points) {
  const per = points.length / STRETCHES;
  if (per < 2) return points;
  return Array.from({ length: STRETCHES }, (_, at) => {
    const part = points.slice(Math.round(at * per), Math.round((at + 1) * per));
    return [0, 1].map((axis) => part.reduce((sum, one) => sum + one[axis], 0) / part.length);
  });
}

/** Growth per second and its standard error, by least squares. */
function slope(points) {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const perSecond = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / squares;
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - perSecond * (x - meanX)) ** 2, 0);
  return { perSecond, error: Math.sqrt(rest / (count - 2) / squares) };
}

let agent = null;
try {
  const { port } = await told();
  const lines = await recorded(values.log);
  const mean = lines.reduce((sum, { length }) => sum + length, 0) / lines.length;
  await ask({ ask: 'begin', lines: Math.ceil((seconds * bytesPerMs * 1000 * 2) / mean) + 1000 });
  mkdirSync(join(directory, 'log'));
  const path = join(directory, 'log', 'audit.log');
  const log = new AuditLog({ path, maxSizeBytes: Number(values.size) * 2 ** 20, maxBackups: Number(values.backups) });
  agent = startAgent(path, port);
  const samples = [];
  if (values.samples !== undefined) writeFileSync(values.samples, 'seconds,rss,heap,external,behind\n');
  const begun = performance.now();
  let written = 0;
  let number = 0;
  for (let nextSample = 1000; performance.now() - begun < seconds * 1000; ) {
    const elapsed = performance.now() - begun;
    // Where the machine stood still, it does not make up for more than a second.
    for (const due = Math.min(elapsed * bytesPerMs, written + bytesPerMs * 1000); written < due; number += 1) {
      const line = numbered(lines[number % lines.length], number);
      log.write(Buffer.from(`${line}\n`, 'latin1'));
      written += line.length + 1;
    }
    if (elapsed >= nextSample) {
      nextSample += 1000;
      if (agent.exitCode !== null)
        throw new Error(`the agent has ended: ${readFileSync(join(directory, 'said'), 'utf8').slice(-2000)}`);
      const now = await sample(agent.pid);
      if (now !== null) {
        samples.push({ at: elapsed / 1000, ...now });
        if (values.samples !== undefined) {
          const row = [elapsed / 1000, now.rss, now.heap, now.external, now.behind];
          appendFileSync(values.samples, `${row.map((one) => one.toFixed(2)).join(',')}\n`);
        }
      }
    }
    await sleep(10);
  }
  let stats = await ask({ ask: 'stats' });
  for (let waits = 0; stats.distinct < number && waits < 300; waits += 1) {
    await sleep(100);
    stats = await ask({ ask: 'stats' });
  }
  const settled = samples.filter(({ at }) => at > seconds / 5);
  console.log(
    `${(written / 1e6).toFixed(0)} MB in ${(seconds / 60).toFixed(1)} minutes, ${number} lines, ${log.rotations} rotations; ${number - stats.distinct} missing, ${stats.events - stats.distinct} twice`,
  );
  for (const kind of ['rss', 'heap', 'external']) {
    const { perSecond, error } = slope(means(settled.map((one) => [one.at, one[kind]])));
    const all = settled.map((one) => one[kind]);
    const grows = perSecond > 2 * error ? 'grows' : 'no growth beyond two errors';
    console.log(
      `${kind}: ${(perSecond * 3600).toFixed(1)} ± ${(error * 3600).toFixed(1)} MB an hour (${grows}); ${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)} MB, ${settled[0]?.[kind].toFixed(0)} MB first, ${settled.at(-1)?.[kind].toFixed(0)} MB last`,
    );
  }
  const largest = Math.max(...samples.map(({ behind }) => behind));
  console.log(`at most ${largest.toFixed(0)} MB behind`);
  if (stats.distinct < number) process.exitCode = 1;
} finally {
  agent?.kill('SIGTERM');
  if (agent !== null && agent.exitCode === null) await new Promise((done) => agent.once('close', done));
  receiver.disconnect();
  rmSync(directory, { recursive: true, force: true });
}
