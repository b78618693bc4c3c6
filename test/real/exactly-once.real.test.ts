import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { BUNDLE } from '../support/agent.ts';
import { kql, SEARCHES } from '../output/elasticsearch/setup/searches.ts';
import { ask, serverScripts } from '../support/real-receiver.ts';
import { shared } from '../support/shared.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CORPUS = shared('corpus/mixed.log.zst');
/** Of the recorded trail, and two more that a client gave the same Audit-ID. */
const EVENTS = 64_389 + 2;
const BATCH = { maxEvents: 500, maxInFlight: 2, maxDelay: '200ms' };
const KILL_AFTER_MS = 3000;
/** Every so many answers one is lost on its way back: the events are stored, and the agent does not know. */
const LOSE_EVERY = 23;

const LOKI_LIMITS = [
  '  max_line_size: 2MB',
  '  reject_old_samples: false',
  // With sharding a line can be refused behind a 204.
  '  shard_streams: { enabled: false }',
  '  ingestion_rate_mb: 64',
  '  ingestion_burst_size_mb: 64',
  '  per_stream_rate_limit: 64MB',
  '  per_stream_rate_limit_burst: 64MB',
].join('\n');

const kinds = [
  { folder: 'elasticsearch', prefix: 'ES', output: { type: 'elasticsearch', index: 'audit' } },
  { folder: 'opensearch', prefix: 'OS', output: { type: 'elasticsearch', index: 'audit' } },
  { folder: 'loki', prefix: 'LOKI', output: { type: 'loki', maxLineBytes: '2Mi' } },
] as const;

for (const { folder, prefix, output } of kinds) {
  const scripts = shared(`servers/${folder}`);
  const absent = scripts === undefined || CORPUS === undefined;
  const note = absent ? ` (skipped: there is no ${folder} or no recorded trail in AUDITAIL_SHARED)` : '';

  describe.skipIf(absent)(`the recorded trail into a real ${folder}, killed and with answers lost${note}`, () => {
    it('is there whole, and once as far as the server lets it', async () => {
      const directory = temporaryDirectory();
      const server = await serverScripts(scripts ?? '', prefix, prefix === 'LOKI' ? { LOKI_LIMITS } : {});
      onTestFinished(() => server.remove());
      await server.up();
      const log = join(directory, 'audit.log');
      const trail = zstdDecompressSync(readFileSync(CORPUS ?? ''));
      writeFileSync(log, Buffer.concat([trail, forged('alice'), forged('mallory')]));
      const wire = await startLossyWire(Number(new URL(server.url).port));
      onTestFinished(() => void wire.server.close());
      const configFile = join(directory, 'auditail.yaml');
      const receiver = { name: 'receiver', url: `http://127.0.0.1:${wire.port}`, batch: BATCH, ...output };
      writeFileSync(
        configFile,
        stringify({
          stateDirectory: join(directory, 'state'),
          sources: [{ name: 'kube', type: 'file', path: log }],
          outputs: [{ ...receiver, retry: { initialDelay: '50ms', maxDelay: '1s' } }],
          telemetry: { listen: 'off' },
        }),
      );
      if (output.type === 'elasticsearch') {
        expect(await run(['setup', '--config', configFile])).toBe(0);
      }

      let kills = 0;
      while ((await run(['ship', '--config', configFile], KILL_AFTER_MS)) === null) kills += 1;

      const stored = await (output.type === 'loki' ? countLoki(server.url) : countIndex(server.url));
      const summary = { kills, lost: wire.lost(), stored, over: stored - EVENTS };
      process.stdout.write(`${folder}: ${JSON.stringify(summary)}\n`);
      expect(kills).toBeGreaterThan(0);
      expect(wire.lost()).toBeGreaterThan(0);
      if (output.type === 'elasticsearch') {
        expect(stored).toBe(EVENTS);
        for (const [what, field, value] of SEARCHES) {
          const { count } = await ask('POST', `${server.url}/audit/_count`, { query: kql(field, value) });
          expect(Number(count), what).toBeGreaterThan(0);
        }
      } else {
        expect(summary.over).toBeGreaterThanOrEqual(0);
        expect(summary.over).toBeLessThanOrEqual((kills * BATCH.maxInFlight + wire.lost()) * BATCH.maxEvents);
      }
    });
  });
}

/** Two requests that a client gave one Audit-ID: neither may hide the other. */
function forged(username: string): Buffer {
  return Buffer.from(
    `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"forged","stage":"ResponseComplete",` +
      `"requestURI":"/api/v1/secrets","verb":"list","user":{"username":"${username}"},` +
      `"requestReceivedTimestamp":"2026-11-23T05:00:00.000000Z","stageTimestamp":"2026-11-23T05:00:00.000001Z"}\n`,
  );
}

/** The built program; its exit code, or null where it was killed before its end. */
function run(args: readonly string[], killAfterMs?: number): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BUNDLE, ...args], { stdio: 'ignore' });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

/** A way to the server on which an answer is lost now and then, with the connection. */
async function startLossyWire(port: number): Promise<{ server: Server; port: number; lost: () => number }> {
  let answers = 0;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => {
      const isHead = bytes.toString('latin1', 0, 9).startsWith('HTTP/1.1 ');
      if (isHead) answers += 1;
      if (isHead && answers % LOSE_EVERY === 0) {
        lost += 1;
        end();
      } else client.write(bytes);
    });
    for (const socket of [client, upstream]) socket.on('close', end).on('error', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port, lost: () => lost };
}

async function countIndex(url: string): Promise<number> {
  await ask('POST', `${url}/audit/_refresh`);
  return Number((await ask('GET', `${url}/audit/_count`))['count']);
}

async function countLoki(url: string): Promise<number> {
  // A query looks for events of some hours ago in the store only; until they are flushed there it finds a part of them.
  await request(`${url}/flush`, { method: 'POST' });
  let count = -1;
  for (let before = -2; count !== before; ) {
    await sleep(5000);
    before = count;
    count = await countNow(url);
  }
  return count;
}

async function countNow(url: string): Promise<number> {
  const time = Date.parse('2026-11-23T23:59:59Z') / 1000;
  const query = encodeURIComponent('sum(count_over_time({job="kube-audit"}[2d]))');
  const counted = (await ask('GET', `${url}/loki/api/v1/query?query=${query}&time=${time}`)) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(counted.data.result[0]?.value[1] ?? 0);
}
