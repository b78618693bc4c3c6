/**
 * What filters cost: `node bench/filters.bench.ts <log file> [rounds]` after `npm run build`. Ships the log to a receiver
 * that only reads, by the built program as a process of its own, each filter in turn with a run without one right before
 * it: CPU-seconds per GB of log, without those of a start with the same filter, and the median of the ratios within the
 * pairs.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const [log, rounds = '5'] = process.argv.slice(2);
if (log === undefined) throw new Error('usage: node bench/filters.bench.ts <log file> [rounds]');

const NOTHING = { redact: { enabled: false } };
const RESOURCES = ['pods', 'services', 'nodes', 'events', 'endpoints', 'configmaps', 'secrets', 'serviceaccounts'];

const folder = mkdtempSync(join(tmpdir(), 'auditail-bench-'));
const policy = join(folder, 'policy.yaml');
writeFileSync(policy, JSON.stringify(thirtyRules()));

/** Each beside the run without a filter. */
const FILTERS: Readonly<Record<string, object>> = {
  'redaction alone (the default)': {},
  'typical: leases and system reads dropped, redaction, managedFields trimmed': {
    drop: [
      { name: 'leases', when: 'objectRef.resource == "leases"' },
      {
        name: 'system-reads',
        when: 'user.username.startsWith("system:") && verb in ["get", "list", "watch"]',
      },
    ],
    trim: { managedFields: true },
  },
  'a policy of 30 rules': { ...NOTHING, policy },
  '5 CEL expressions': {
    ...NOTHING,
    drop: [
      { name: 'health', when: 'requestURI.startsWith("/healthz") || requestURI.startsWith("/livez")' },
      { name: 'received', when: 'stage == "RequestReceived"' },
      { name: 'kubelet', when: 'userAgent.contains("kubelet") && verb == "get" && responseStatus.code == 200' },
      { name: 'nodes', when: 'user.groups.exists(group, group == "system:nodes") && verb == "watch"' },
      { name: 'status', when: 'objectRef.subresource.matches("^(status|scale)$") && verb in ["patch", "update"]' },
    ],
  },
};

/** One event: what the start costs. */
const nothing = join(folder, 'one.log');
writeFileSync(nothing, '{"kind":"Event","stageTimestamp":"2026-11-23T05:13:10.552784Z"}\n');

const received = { bytes: 0 };
const server = http.createServer((request, response) => {
  request.on('data', (chunk: Buffer) => (received.bytes += chunk.length));
  request.on('end', () => response.writeHead(204).end());
});
await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));

const gigabytes = statSync(log).size / 1e9;
try {
  const start = await startOf(NOTHING);
  console.log(`start: ${start.toFixed(2)} CPU-s, taken off below`);
  for (const [name, filter] of Object.entries(FILTERS)) {
    const ownStart = await startOf(filter);
    const pairs: { without: number; with: number; share: number }[] = [];
    for (let round = 0; round < Number(rounds); round += 1) {
      const without = (await cpuOf(NOTHING, round)) - start;
      const before = received.bytes;
      const cost = (await cpuOf(filter, round)) - ownStart;
      pairs.push({ without, with: cost, share: (received.bytes - before) / (gigabytes * 1e9) });
    }
    console.log(
      `${name}: ${median(pairs.map((pair) => pair.with / gigabytes)).toFixed(2)} CPU-s/GB, without ${median(
        pairs.map((pair) => pair.without / gigabytes),
      ).toFixed(2)}; ratio ${median(pairs.map((pair) => pair.with / pair.without)).toFixed(2)} (${sorted(
        pairs.map((pair) => pair.with / pair.without),
      )
        .map((ratio) => ratio.toFixed(2))
        .join(' ')}); ${(median(pairs.map(({ share }) => share)) * 100).toFixed(0)} % of the bytes sent`,
    );
  }
} finally {
  server.close();
  rmSync(folder, { recursive: true, force: true });
}

function sorted(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}

function median(values: readonly number[]): number {
  return sorted(values)[values.length >> 1] as number;
}

/** CPU-seconds of a run over one event. */
async function startOf(filter: object): Promise<number> {
  const runs = [await cpuOf(filter, 0, nothing), await cpuOf(filter, 0, nothing), await cpuOf(filter, 0, nothing)];
  return median(runs);
}

/** CPU-seconds, user and system, of one process that ships the whole log. */
async function cpuOf(filter: object, round: number, path = log as string): Promise<number> {
  const config = join(folder, 'auditail.yaml');
  const stateDirectory = mkdtempSync(join(folder, `state-${round}-`));
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    config,
    JSON.stringify({
      stateDirectory,
      sources: [{ name: 'bench', type: 'file', path: resolve(path), retain: { pins: 'off' } }],
      outputs: [{ name: 'sink', type: 'http', url: `http://127.0.0.1:${port}/`, filter }],
      telemetry: { listen: 'off' },
      log: { level: 'error' },
    }),
  );
  const command = 'TIMEFORMAT="%U %S"; time "$0" dist/auditail.mjs ship --config "$1" 2>/dev/null';
  const { stderr } = await promisify(execFile)('bash', ['-c', command, process.execPath, config]);
  const [user = Number.NaN, system = Number.NaN] = stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  rmSync(stateDirectory, { recursive: true, force: true });
  return user + system;
}

/** Rules by user, verb, group, resource and namespace, as policies have them; few of them match the first event. */
function thirtyRules() {
  const rules: object[] = [{ level: 'None', nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version'] }];
  for (const user of [
    'system:kube-proxy',
    'system:unsecured',
    'kubelet',
    'system:apiserver',
    'system:kube-scheduler',
  ]) {
    rules.push({
      level: 'None',
      users: [user],
      verbs: ['watch'],
      resources: [{ group: '', resources: ['endpoints'] }],
    });
  }
  for (const resource of RESOURCES) {
    rules.push({
      level: 'Metadata',
      verbs: ['delete'],
      resources: [{ group: '', resources: [resource, `${resource}/*`] }],
    });
    rules.push({ level: 'Request', namespaces: ['kube-system'], resources: [{ group: '', resources: [resource] }] });
  }
  for (const group of ['apps', 'batch', 'policy', 'autoscaling', 'rbac.authorization.k8s.io', 'networking.k8s.io']) {
    rules.push({ level: 'RequestResponse', verbs: ['create', 'update', 'patch'], resources: [{ group }] });
  }
  rules.push({ level: 'None', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }] });
  rules.push({ level: 'RequestResponse' });
  return { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules };
}
