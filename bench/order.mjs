// How long new events take to the receiver while a backlog is caught up with, in each order of reading.
//   npm run build && node bench/order.mjs [--log LOG] [--megabytes 2000] [--seconds 25] [--rate 50Mi] [--rounds 3]
// The backlog lies in five backups beside a live file, to which fifty events a second are written. LOG is a recorded audit
// log, repeated until it is long enough. The receiver is in this process. Prints a table in Markdown.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from './figures.ts';
import { commandLine, machine } from './machine.ts';
import { recorded, writeTrail } from './peers/trail.mjs';

const SAMPLE = fileURLToPath(new URL('../test/fixtures/events.log', import.meta.url));
const AGENT = fileURLToPath(new URL('../dist/auditail.mjs', import.meta.url));
const { values } = parseArgs({
  options: {
    log: { type: 'string', default: SAMPLE },
    megabytes: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '25' },
    rate: { type: 'string', default: '50Mi' },
    rounds: { type: 'string', default: '3' },
  },
});
const BACKUPS = 5;
const EVERY_MS = 20;
const MARK = '"auditID":"new-';

const work = mkdtempSync(join(tmpdir(), 'auditail-bench-'));
/** When each new event was written, and how long those took that have arrived; bytes that have. */
const stand = { writtenAt: [], tookMs: [], bytes: 0 };
const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    stand.bytes += body.length;
    for (let at = body.indexOf(MARK); at !== -1; at = body.indexOf(MARK, at + 1)) {
      const number = Number.parseInt(body.toString('latin1', at + MARK.length, at + MARK.length + 8), 10);
      stand.tookMs.push(Date.now() - stand.writtenAt[number]);
    }
    response.end();
  });
}).listen(0, '127.0.0.1');

function newEvent(number) {
  const time = new Date().toISOString();
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",${MARK}${number}","stage":"ResponseComplete","requestURI":"/api","verb":"get","user":{"username":"bench"},"responseStatus":{"code":200},"requestReceivedTimestamp":"${time}","stageTimestamp":"${time}"}\n`;
}

async function measure(lines, order) {
  const directory = mkdtempSync(join(work, 'run-'));
  const log = join(directory, 'log');
  const live = join(log, 'audit.log');
  mkdirSync(log);
  let first = 0;
  for (let backup = 0; backup < BACKUPS; backup += 1) {
    const file = join(log, `audit-2026-11-23T10-0${backup}-00.000.log`);
    first += (await writeTrail(lines, file, (Number(values.megabytes) * 1e6) / BACKUPS, first)).lines;
  }
  writeFileSync(live, '');
  const config = join(directory, 'auditail.json');
  const url = `http://127.0.0.1:${server.address().port}/`;
  const retain = { minFree: '0%', maxBytes: '100Gi' };
  const filter = { redact: { enabled: false } };
  const outputs = [{ name: 'out', type: 'http', url, order, batch: { maxDelay: '100ms' }, filter }];
  const sources = [{ name: 'kube', type: 'file', path: live, maxReadRate: values.rate, retain }];
  const stateDirectory = join(directory, 'state');
  writeFileSync(config, JSON.stringify({ stateDirectory, sources, outputs, telemetry: { listen: 'off' } }));
  Object.assign(stand, { writtenAt: [], tookMs: [], bytes: 0 });
  const agent = spawn(process.execPath, [AGENT, 'run', '--config', config], { stdio: 'ignore' });
  for (const until = Date.now() + Number(values.seconds) * 1000; Date.now() < until; await sleep(EVERY_MS)) {
    appendFileSync(live, newEvent(stand.writtenAt.push(Date.now()) - 1));
  }
  const took = stand.tookMs.toSorted((a, b) => a - b);
  const at = (share) => String(took[Math.floor((took.length - 1) * share)] ?? '–');
  const rate = (stand.bytes / 1e6 / Number(values.seconds)).toFixed(0);
  const row = [order, String(stand.writtenAt.length), String(took.length), at(0.5), at(0.99), at(1), rate];
  agent.kill('SIGKILL');
  await once(agent, 'close');
  rmSync(directory, { recursive: true });
  return row;
}

try {
  const lines = await recorded(values.log);
  const rows = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const order of ['live-first', 'oldest-first']) rows.push(await measure(lines, order));
  }
  const { date, commit, machine: on } = machine();
  console.log(`${date}, ${on}, auditail at ${commit}: ${commandLine('node bench/order.mjs', values.log)}\n`);
  console.log(table(['order', 'new events', 'arrived', 'p50, ms', 'p99, ms', 'most, ms', 'MB/s'], rows));
} finally {
  server.close();
  rmSync(work, { recursive: true, force: true });
}
