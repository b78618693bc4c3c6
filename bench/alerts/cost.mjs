// What alert rules cost: CPU-seconds per GB with the whole pack on and off, and memory with a million distinct keys.
//   npm run build && node bench/alerts/cost.mjs LOG [rounds] [http|elasticsearch]
// LOG: a recorded audit log, some hundred MB. The receiver runs in this process, and is not counted. CPU is what the
// agent itself was given, user and system, the least of the rounds; the start, measured on an empty log, is taken off.
// To Elasticsearch it ships as most people do, with gzip.
import { spawn } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [log, rounds = '3', type = 'http'] = process.argv.slice(2);
if (log === undefined) throw new Error('name a recorded log');
const directory = mkdtempSync(join(tmpdir(), 'auditail-bench-'));
const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => {
    if (request.url.includes('_bulk')) chunks.push(chunk);
  });
  request.on('end', () => response.setHeader('content-type', 'application/json').end(answerTo(chunks)));
});

/** What Elasticsearch says: of a bulk request, that each of its documents was created. */
function answerTo(chunks) {
  if (chunks.length === 0) return '{"version":{"number":"8.19.0"}}';
  const lines = gunzipSync(Buffer.concat(chunks)).reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
  return `{"took":1,"errors":false,"items":[${Array(lines / 2).fill('{"create":{"status":201}}')}]}`;
}

const OUTPUTS = {
  http: { batch: { maxBytes: '1Mi' } },
  elasticsearch: { dataStream: 'logs-kubernetes.audit-default', compression: 'gzip' },
};
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const url = `http://127.0.0.1:${server.address().port}/`;
const witness = join(directory, 'witness.mjs');
writeFileSync(
  witness,
  `process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    process.stderr.write(\`USED \${(userCPUTime + systemCPUTime) / 1e6} \${maxRSS / 1024}\\n\`);
  });`,
);

/** Ships once; CPU seconds and the most memory, MB. */
async function ship(path, alerts) {
  const stateDirectory = mkdtempSync(join(directory, 'state-'));
  const file = join(stateDirectory, 'config.yaml');
  const config = {
    stateDirectory,
    sources: [{ name: 'kube', type: 'file', path, retain: { pins: 'off' } }],
    outputs: [{ name: 'out', type, url, ...OUTPUTS[type] }],
    telemetry: { listen: 'off' },
    ...(alerts === undefined ? {} : { alerts: { startAt: 'oldest', ...alerts } }),
  };
  writeFileSync(file, JSON.stringify(config));
  const args = ['--import', witness, join(root, 'dist/auditail.mjs'), 'ship', '--config', file];
  // As in the image.
  const env = { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const status = await new Promise((done) => child.once('close', done));
  const [, cpu, megabytes] = /USED (\S+) (\S+)/.exec(said) ?? [];
  if (status !== 0) throw new Error(said.slice(-2000));
  rmSync(stateDirectory, { recursive: true, force: true });
  return { cpu: Number(cpu), megabytes: Math.round(Number(megabytes)) };
}

/** Another user for each event, in the same minute. */
function writeKeys(path, events) {
  writeFileSync(path, '');
  const time = Date.parse('2026-11-23T10:00:00Z');
  for (let from = 0; from < events; from += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, at) => {
      const stamp = new Date(time + (from + at) / 20).toISOString();
      return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${from + at}","stage":"ResponseComplete","requestURI":"/api","verb":"get","user":{"username":"user-${from + at}"},"userAgent":"agent-${from + at}","responseStatus":{"code":403},"requestReceivedTimestamp":"${stamp}","stageTimestamp":"${stamp}"}\n`;
    });
    appendFileSync(path, lines.join(''));
  }
}

const KINDS = {
  count: 'threshold: { count: 50, window: 1h }',
  distinct: 'threshold: { count: 50, distinct: userAgent, window: 1h }',
  firstSeen: 'firstSeen: { of: [userAgent], learn: 7d }',
  each: 'repeat: 1h',
};

try {
  const path = join(directory, 'audit.log');
  const empty = join(directory, 'empty.log');
  copyFileSync(resolve(log), path);
  writeFileSync(empty, '');
  const gigabytes = statSync(path).size / 1e9;
  writeFileSync(join(directory, 'none.yaml'), '');
  const receivers = [{ name: 'hook', type: 'webhook', url, rateLimit: { perMinute: 60_000, burst: 1000 } }];
  const cases = {
    off: undefined,
    'a pipeline without rules': { rules: [join(directory, 'none.yaml')] },
    'whole pack': { rules: [join(root, 'config/alerts')], receivers },
  };
  const results = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const [name, alerts] of Object.entries(cases)) {
      const start = await ship(empty, alerts);
      results[name].push({ ...(await ship(path, alerts)), start: start.cpu });
    }
  }
  for (const [name, all] of Object.entries(results)) {
    const start = Math.min(...all.map((one) => one.start));
    const cpu = Math.min(...all.map((one) => one.cpu)) - start;
    const megabytes = Math.max(...all.map((one) => one.megabytes));
    console.log(
      `${name}: ${(cpu / gigabytes).toFixed(2)} CPU-s/GB beside ${start.toFixed(2)} s to start, at most ${megabytes} MB`,
    );
  }

  const keys = join(directory, 'keys.log');
  writeKeys(keys, 1_000_000);
  console.log(`a million keys, no rules: at most ${(await ship(keys)).megabytes} MB`);
  const rules = join(directory, 'rules.yaml');
  for (const [kind, text] of Object.entries(KINDS)) {
    const rule = `{ name: flood, severity: low, description: d, when: responseStatus.code == 403, groupBy: [user.username], ${text}, summary: s }`;
    writeFileSync(rules, `rules:\n  - ${rule}\n`);
    for (const groups of [10_000, 1_000_000]) {
      const { megabytes, cpu } = await ship(keys, { rules: [rules], limits: { groups } });
      console.log(`a million keys, ${kind}, limits.groups ${groups}: at most ${megabytes} MB, ${cpu.toFixed(1)} CPU-s`);
    }
  }
} finally {
  server.close();
  rmSync(directory, { recursive: true, force: true });
}
