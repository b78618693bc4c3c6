import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import type { LedgerEntry } from '../../src/state/ledger-entry.ts';
import { readLedger } from '../../src/state/read-ledger.ts';
import { Agent } from '../support/agent.ts';
import { givenUp, linesOf, missing } from '../support/compared-lines.ts';
import { freePort } from '../support/free-port.ts';
import { type ApiServer, startApiServer } from '../support/kube-apiserver.ts';
import { Load } from '../support/load.ts';
import { shared } from '../support/shared.ts';
import { TLS, webhookKubeconfig } from '../support/webhook-kubeconfig.ts';

/*
 * What a real API server posts and prints, held against what it writes: the same lines, whatever happens to the agent.
 */
const folder = shared('servers/kube-apiserver');
const skipped = folder === undefined ? ' (skipped: there is no API server to start)' : '';

interface Scene {
  readonly directory: string;
  readonly stateDirectory: string;
  readonly agent: Agent;
  /** The kubeconfig for the API server's webhook. */
  readonly webhookConfig: string;
  /** Standard input of the agent and output of the API server, held open by the test. */
  readonly fifo: string;
  delivered(source: string): readonly string[];
  ledger(source: string): Promise<readonly LedgerEntry[]>;
}

/** An agent with a webhook source, and one of standard input where it is asked for, each with a file of its own. */
async function setUp(withStdin: boolean): Promise<Scene> {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-sources-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const stateDirectory = join(directory, 'state');
  const port = await freePort();
  const hook = {
    name: 'hook',
    type: 'webhook',
    listen: `127.0.0.1:${port}`,
    tls: {
      cert: join(TLS, 'server.pem'),
      key: join(TLS, 'server.key'),
      clientCA: join(TLS, 'ca.pem'),
      clients: ['client one'],
    },
  };
  const sources = withStdin ? [hook, { name: 'pipe', type: 'stdin' }] : [hook];
  const configuration = {
    stateDirectory,
    sources,
    outputs: sources.map(({ name }) => ({
      name: `file-${name}`,
      type: 'file',
      path: join(directory, `${name}.ndjson`),
      sources: [name],
      filter: { redact: { enabled: false } },
    })),
    telemetry: { listen: 'off' },
  };
  const configFile = join(directory, 'auditail.yaml');
  writeFileSync(configFile, stringify(configuration));
  const webhookConfig = join(directory, 'webhook.kubeconfig');
  writeFileSync(webhookConfig, webhookKubeconfig(`https://127.0.0.1:${port}/`));
  const run = join(directory, 'kube');
  mkdirSync(run);
  const fifo = join(run, 'apiserver.stdout');
  let stdin: number | undefined;
  if (withStdin) {
    execFileSync('sh', ['-c', 'mkfifo "$0"', fifo]);
    const held = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    stdin = held;
    onTestFinished(() => closeSync(held));
  }
  const agent = new Agent({ configFile, stateDirectory, bytesWritten: () => 0, stdin });
  onTestFinished(async () => {
    if (agent.running) await agent.kill();
  });
  return {
    directory: run,
    stateDirectory,
    agent,
    webhookConfig,
    fifo,
    delivered: (source) => linesOf(join(directory, `${source}.ndjson`)),
    async ledger(source) {
      const entries: LedgerEntry[] = [];
      for await (const entry of readLedger(join(stateDirectory, 'outputs', `file-${source}`))) entries.push(entry);
      return entries;
    },
  };
}

async function begin(scene: Scene, settings: Readonly<Record<string, string>>): Promise<ApiServer> {
  scene.agent.start();
  await scene.agent.waitFor('the agent to answer', async () => (await scene.agent.status()) !== undefined);
  const server = await startApiServer(folder ?? '', {
    RUN: scene.directory,
    AUDIT_WEBHOOK_CONFIG: scene.webhookConfig,
    ...settings,
  });
  onTestFinished(() => server.stop());
  return server;
}

async function load(server: ApiServer, seconds: number, meanwhile: () => Promise<void>): Promise<void> {
  const traffic = new Load({ url: server.url, seconds, perSecond: 150, mix: 'mixed' });
  onTestFinished(() => traffic.stop());
  await meanwhile();
  process.stderr.write(await traffic.ended());
}

async function settled(agent: Agent): Promise<void> {
  let before = -1;
  await agent.waitFor('nothing left to deliver', async () => {
    const status = await agent.status();
    const read = status?.pipelines.reduce((sum, { totals }) => sum + totals.readBytes, 0) ?? 0;
    const same = read === before;
    before = read;
    if (!same) await sleep(500);
    return same && status?.pipelines.every(({ lagBytes, inFlight }) => lagBytes === 0 && inFlight === 0) === true;
  });
}

function droppedByServer(scene: Scene): number {
  return givenUp(readFileSync(join(scene.directory, 'apiserver.log'), 'latin1'));
}

const RETRY = '--audit-webhook-initial-backoff=1s';

describe.skipIf(folder === undefined)(`a real API server${skipped}`, () => {
  test('posts in batches what its log has, also while the agent is killed', async () => {
    const scene = await setUp(false);
    const { agent } = scene;
    const server = await begin(scene, {
      AUDIT_WEBHOOK_MODE: 'batch',
      AUDIT_WEBHOOK_EXTRA: `--audit-webhook-batch-max-wait=500ms --audit-webhook-batch-max-size=50 ${RETRY}`,
    });
    await load(server, 10, async () => {
      await sleep(4000);
      await agent.kill();
      agent.start();
    });
    await server.halt();
    await settled(agent);
    expect((await agent.stop()).code).toBe(0);
    const written = readdirSync(join(scene.directory, 'audit')).flatMap((name) =>
      linesOf(join(scene.directory, 'audit', name)),
    );
    const delivered = scene.delivered('hook');
    const dropped = droppedByServer(scene);
    process.stderr.write(`batch: ${written.length} written, ${delivered.length} delivered, ${dropped} given up\n`);
    expect(written.length).toBeGreaterThan(500);
    expect(missing(written, delivered)).toHaveLength(dropped);
    expect(dropped).toBeLessThan(100);
    expect(missing(delivered, written)).toEqual([]);
    expect((await scene.ledger('hook')).filter(({ type }) => type === 'loss')).toEqual([]);
  });

  test('posts one by one, in blocking mode, what its log has, also while the agent is restarted', async () => {
    const scene = await setUp(false);
    const { agent } = scene;
    const server = await begin(scene, { AUDIT_WEBHOOK_MODE: 'blocking', AUDIT_WEBHOOK_EXTRA: RETRY });
    await load(server, 8, async () => {
      await sleep(3000);
      expect((await agent.stop()).code).toBe(0);
      agent.start();
    });
    await server.halt();
    await settled(agent);
    expect((await agent.stop()).code).toBe(0);
    const written = linesOf(join(scene.directory, 'audit/audit.log'));
    const delivered = scene.delivered('hook');
    process.stderr.write(`blocking: ${written.length} written, ${delivered.length} delivered\n`);
    expect(written.length).toBeGreaterThan(300);
    expect(missing(written, delivered)).toEqual([]);
    expect(missing(delivered, written)).toEqual([]);
  });

  test('prints into a FIFO that is held open, survives the agent, and loses nothing that is not said', async () => {
    const scene = await setUp(true);
    const { agent } = scene;
    const server = await begin(scene, {
      AUDIT_LOG: '-',
      AUDIT_WEBHOOK_MODE: 'batch',
      AUDIT_WEBHOOK_EXTRA: `--audit-webhook-batch-max-wait=500ms ${RETRY}`,
    });
    await load(server, 14, async () => {
      await sleep(3000);
      // An upgrade: what is in the pipe waits for the next one.
      expect((await agent.stop()).code).toBe(0);
      await sleep(1500);
      agent.start();
      await sleep(4000);
      await agent.kill();
      agent.start();
    });
    await server.halt();
    await settled(agent);
    // A suspected loss is one that has to be looked into.
    expect((await agent.stop()).code).toBe(3);
    const posted = new Set(scene.delivered('hook'));
    const printed = scene.delivered('pipe');
    const lost = missing([...posted], printed);
    process.stderr.write(`stdin: ${posted.size} posted, ${printed.length} printed, ${lost.length} lost in the kill\n`);
    expect(posted.size).toBeGreaterThan(500);
    expect(missing(printed, [...posted])).toHaveLength(droppedByServer(scene));
    const said = (await scene.ledger('pipe')).flatMap((entry) => (entry.type === 'loss' ? [entry.reason] : []));
    expect(said).toEqual(['pipe']);
    // What one read of a pipe gives at most.
    expect(lost.reduce((sum, line) => sum + line.length, 0)).toBeLessThan(128 * 1024);
  });
});
