// From the write of an event to the receipt of the notification, the agent being idle or beside a stream of events.
//   npm run build && node bench/alerts/latency.mjs [alerts] [events a second beside them]
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [alerts = '100', beside = '0'] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'auditail-bench-'));
const log = join(directory, 'audit.log');
const writtenMs = new Map();
const took = [];
const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    response.end();
    const { group } = JSON.parse(Buffer.concat(chunks).toString());
    const at = writtenMs.get(group?.['objectRef.namespace']);
    if (at !== undefined) took.push(performance.now() - at);
  });
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));

function line(user, verb, resource, subresource, namespace) {
  const time = new Date().toISOString();
  const objectRef = { resource, namespace, name: 'x', apiVersion: 'v1', subresource };
  return `${JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID: crypto.randomUUID(), stage: 'ResponseComplete', requestURI: `/api/v1/namespaces/${namespace}/${resource}/x`, verb, user: { username: user, groups: ['system:authenticated'] }, sourceIPs: ['10.0.0.1'], userAgent: 'bench', objectRef, responseStatus: { metadata: {}, code: 200 }, requestReceivedTimestamp: time, stageTimestamp: time })}\n`;
}

writeFileSync(log, line('system:apiserver', 'get', 'leases', undefined, 'kube-system'));
const config = {
  stateDirectory: join(directory, 'state'),
  sources: [{ name: 'kube', type: 'file', path: log }],
  outputs: [{ name: 'out', type: 'file', path: join(directory, 'out.log') }],
  telemetry: { listen: 'off' },
  alerts: {
    rules: [join(root, 'config/alerts')],
    receivers: [
      {
        name: 'hook',
        type: 'webhook',
        url: `http://127.0.0.1:${server.address().port}/`,
        rateLimit: { perMinute: 60_000, burst: 1000 },
      },
    ],
  },
};
writeFileSync(join(directory, 'config.yaml'), JSON.stringify(config));
const args = [join(root, 'dist/auditail.mjs'), 'run', '--config', join(directory, 'config.yaml')];
const agent = spawn(process.execPath, args, { stdio: 'ignore' });
try {
  await sleep(3000);
  const ended = new AbortController();
  const stream = (async () => {
    while (Number(beside) > 0 && !ended.signal.aborted) {
      const count = Math.ceil(Number(beside) / 100);
      appendFileSync(
        log,
        Array.from({ length: count }, () => line('system:apiserver', 'get', 'leases', undefined, 'kube-system')).join(
          '',
        ),
      );
      await sleep(10);
    }
  })();
  for (let n = 0; n < Number(alerts); n += 1) {
    const text = line('alice', 'create', 'pods', 'exec', `ns-${n}`);
    writtenMs.set(`ns-${n}`, performance.now());
    appendFileSync(log, text);
    await sleep(100 + Math.random() * 150);
  }
  await sleep(2000);
  ended.abort();
  await stream;
  took.sort((a, b) => a - b);
  const at = (share) => took[Math.min(took.length - 1, Math.floor(took.length * share))]?.toFixed(1);
  console.log(
    `${took.length} of ${alerts} told, beside ${beside} events/s: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
  );
} finally {
  agent.kill('SIGTERM');
  await new Promise((done) => agent.once('close', done));
  server.close();
  rmSync(directory, { recursive: true, force: true });
}
