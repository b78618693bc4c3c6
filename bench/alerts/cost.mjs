// What alert rules cost: CPU-seconds per GB with the whole pack on and off, and memory with a million distinct keys.
//   npm run build && node bench/alerts/cost.mjs LOG [runs]
// LOG: a recorded audit log, some hundred MB. The receiver runs in this process, and is not counted.
import { spawn } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [log, runs = '3'] = process.argv.slice(2);
if (log === undefined) throw new Error('name a recorded log');
const directory = mkdtempSync(join(tmpdir(), 'auditail-bench-'));
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end());
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const url = `http://127.0.0.1:${server.address().port}/`;

/** Ships once; CPU seconds (user and system) and the most memory, MB. */
async function ship(path, alerts) {
  const stateDirectory = mkdtempSync(join(directory, 'state-'));
  const file = join(stateDirectory, 'config.yaml');
  const config = {
    stateDirectory,
    sources: [{ name: 'kube', type: 'file', path, retain: { pins: 'off' } }],
    outputs: [{ name: 'out', type: 'http', url, batch: { maxBytes: '1Mi' } }],
    telemetry: { listen: 'off' },
    ...(alerts === undefined ? {} : { alerts: { startAt: 'oldest', ...alerts } }),
  };
  writeFileSync(file, JSON.stringify(config));
  const command = `${process.execPath} ${join(root, 'dist/auditail.mjs')} ship --config ${file} >/dev/null 2>${stateDirectory}/log`;
  const child = spawn('bash', [
    '-c',
    `${command} & P=$!; M=0; while kill -0 $P 2>/dev/null; do R=$(awk '/VmHWM/{print $2}' /proc/$P/status 2>/dev/null); [ -n "$R" ] && M=$R; sleep 0.05; done; wait $P; echo "exit $? $M"; times`,
  ]);
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  await new Promise((done) => child.once('close', done));
  const [, exit, kilobytes] = /exit (\d+) (\d+)/.exec(said) ?? [];
  if (exit !== '0') throw new Error(`${said}\n${readFileSync(`${stateDirectory}/log`, 'utf8').slice(-2000)}`);
  const [user, system] = [
    ...said
      .trim()
      .split('\n')
      .at(-1)
      .matchAll(/(\d+)m([\d.]+)s/g),
  ].map(([, m, s]) => m * 60 + Number(s));
  // The loop that looks at the memory is in it: some hundredths of a second.
  rmSync(stateDirectory, { recursive: true, force: true });
  return { cpu: user + system, megabytes: Math.round(kilobytes / 1024) };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

try {
  const path = join(directory, 'audit.log');
  copyFileSync(resolve(log), path);
  const gigabytes = statSync(path).size / 1e9;
  const pack = {
    rules: [join(root, 'config/alerts')],
    receivers: [{ name: 'hook', type: 'webhook', url, rateLimit: { perMinute: 60_000, burst: 1000 } }],
  };
  const none = { rules: [join(directory, 'none.yaml')] };
  writeFileSync(join(directory, 'none.yaml'), '');
  const results = { off: [], 'a pipeline without rules': [], 'whole pack': [] };
  for (let run = 0; run < Number(runs); run += 1) {
    results.off.push(await ship(path));
    results['a pipeline without rules'].push(await ship(path, none));
    results['whole pack'].push(await ship(path, pack));
  }
  for (const [name, all] of Object.entries(results)) {
    const cpu = median(all.map((one) => one.cpu)) / gigabytes;
    console.log(`${name}: ${cpu.toFixed(2)} CPU-s/GB, at most ${median(all.map((one) => one.megabytes))} MB`);
  }

  const keys = join(directory, 'keys.log');
  writeFileSync(keys, '');
  const time = Date.parse('2026-11-23T10:00:00Z');
  for (let from = 0; from < 1_000_000; from += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, at) => {
      const stamp = new Date(time + from + at).toISOString();
      return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${from + at}","stage":"ResponseComplete","requestURI":"/api","verb":"get","user":{"username":"user-${from + at}"},"responseStatus":{"code":403},"requestReceivedTimestamp":"${stamp}","stageTimestamp":"${stamp}"}\n`;
    });
    appendFileSync(keys, lines.join(''));
  }
  const rules = join(directory, 'rules.yaml');
  writeFileSync(
    rules,
    'rules:\n  - { name: flood, severity: low, description: d, when: responseStatus.code == 403, threshold: { count: 50, window: 1h }, summary: s }\n',
  );
  for (const groups of [10_000, 1_000_000]) {
    const { megabytes, cpu } = await ship(keys, { rules: [rules], limits: { groups } });
    console.log(`a million keys, limits.groups ${groups}: at most ${megabytes} MB, ${cpu.toFixed(1)} CPU-s`);
  }
  console.log(`a million keys, no rules: at most ${(await ship(keys)).megabytes} MB`);
} finally {
  server.close();
  rmSync(directory, { recursive: true, force: true });
}
