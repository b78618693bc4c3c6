import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startAgent } from '../../src/agent.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { AgentHandle } from '../../src/inspect/agent-handle.ts';
import type { LedgerEntry, NotificationEntry } from '../../src/state/ledger-entry.ts';
import { readLedger } from '../../src/state/read-ledger.ts';
import { outputDirectory } from '../../src/state/state-directory.ts';
import { until, WriterOnDisk } from '../pipeline/pipeline-harness.ts';
import { type Receiver, startReceiver } from '../output/support/receiver.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { line } from './rules.ts';

const RULES = `rules:
  - name: read-secret
    severity: high
    description: d
    verbs: [get]
    resources: [secrets]
    when: user.username.startsWith("eve")
    groupBy: [user.username, objectRef.name]
    summary: '{{user.username}} read {{objectRef.name}} ({{requestURI}})'
  - name: many
    severity: low
    description: d
    threshold: { count: 3, window: 1m }
    when: verb == "list"
    summary: '{{count}}'
`;

interface Told {
  readonly id: string;
  readonly rule: string;
  readonly status: string;
  readonly summary: string;
}

async function setUp(answer: () => number = () => 200, maxDelay = '5ms') {
  const directory = temporaryDirectory();
  const writer = new WriterOnDisk(join(directory, 'log'));
  const rules = join(directory, 'rules.yaml');
  writeFileSync(rules, RULES);
  const hook = await startReceiver(() => ({ status: answer() }));
  onTestFinished(() => hook[Symbol.asyncDispose]());
  const config = configSchema.parse({
    stateDirectory: join(directory, 'state'),
    sources: [{ name: 'kube', type: 'file', path: writer.path, retain: { minFree: '0%' } }],
    // It drops everything: alerts are about all of the trail.
    outputs: [
      {
        name: 'file',
        type: 'file',
        path: join(directory, 'out'),
        filter: { drop: [{ name: 'all', when: 'true' }] },
        batch: { maxDelay: '5ms' },
      },
    ],
    telemetry: { listen: 'off' },
    alerts: {
      rules: [rules],
      startAt: 'oldest',
      maxDelay,
      receivers: [{ name: 'hook', type: 'webhook', url: hook.url, retry: { initialDelay: '1ms', maxDelay: '5ms' } }],
    },
  });
  const start = async (mode: 'run' | 'ship' = 'run'): Promise<AgentHandle> => {
    const options = { mode, logger: pino({ level: 'silent' }), version: '0.0.0' };
    const agent = await startAgent({ ...config, metadata: {} }, options);
    onTestFinished(async () => {
      agent.stop();
      agent.stop();
      await agent.ended;
    });
    return agent;
  };
  const ledger = async (): Promise<NotificationEntry[]> => {
    const entries: LedgerEntry[] = [];
    for await (const entry of readLedger(outputDirectory(config.stateDirectory, 'alerts'))) entries.push(entry);
    return entries.filter((entry) => entry.type === 'notification');
  };
  return { writer, rules, hook, start, ledger };
}

function told(hook: Receiver): Told[] {
  return hook.received.map(({ body }) => JSON.parse(body.toString()) as Told);
}

async function stop(agent: AgentHandle): Promise<void> {
  agent.stop();
  await agent.ended;
}

test('an alert is told of what no output gets, without what must not be told', async () => {
  const { writer, hook, start } = await setUp();
  writer.raw(`${line(0, { user: 'alice' })}\n`);
  writer.raw(`${line(1, { user: 'eve' }).replace('/secrets/db', '/secrets/db?token=s3cr3tvalue')}\n`);
  const agent = await start();
  await until(() => hook.received.length === 1);
  expect(told(hook)).toMatchObject([{ rule: 'read-secret', status: 'firing' }]);
  expect(told(hook)[0]?.summary).toMatch(/^eve read db/);
  expect(told(hook)[0]?.summary).not.toContain('s3cr3tvalue');
  await until(() => agent.status().alerts?.[0]?.receivers[0]?.told === 1);
  expect(agent.status().alerts?.[0]?.rules).toMatchObject([
    { name: 'read-secret', matches: 1, notifications: 1, firing: 1 },
    { name: 'many', matches: 0 },
  ]);
});

test('somebody who waits for an alert does not wait for more events', async () => {
  const { writer, hook, start } = await setUp(() => 200, '10s');
  await start();
  writer.raw(`${line(0, { user: 'eve' })}\n`);
  await until(() => hook.received.length === 1);
  expect(told(hook)).toMatchObject([{ rule: 'read-secret', status: 'firing' }]);
});

test('over restarts nothing is told twice, and what was counted before still counts', async () => {
  const { writer, hook, start } = await setUp();
  for (let at = 0; at < 6; at += 1) {
    const agent = await start();
    writer.raw(`${line(at, { user: 'eve', name: 'same' })}\n`);
    writer.raw(`${line(at, { user: 'bob', verb: 'list', name: `n${at}` })}\n`);
    await until(() => (agent.status().pipelines.at(-1)?.totals.readEvents ?? 0) === 2 * (at + 1));
    await until(() => agent.status().pipelines.every(({ lagBytes }) => lagBytes === 0));
    await stop(agent);
  }
  expect(told(hook).map(({ rule, summary }) => `${rule} ${summary.slice(0, 13)}`)).toEqual([
    'read-secret eve read same',
    'many 3',
  ]);
});

test('the ledger has each notification once: who was told of what, and what was set aside and why', async () => {
  let status = 200;
  const { writer, hook, start, ledger } = await setUp(() => status);
  for (let at = 0; at < 3; at += 1) {
    const agent = await start();
    status = at === 1 ? 400 : 200;
    writer.raw(`${line(at, { user: 'eve', name: `secret-${at}` })}\n`);
    await until(() => hook.received.length === at + 1);
    await until(() => agent.status().alerts?.[0]?.receivers[0]?.pending === 0);
    await stop(agent);
  }
  const entries = await ledger();
  const source = {
    source: 'kube',
    receiver: 'hook',
    rule: 'read-secret',
    severity: 'high',
    status: 'firing',
    count: 1,
  };
  expect(entries).toMatchObject([source, { ...source, setAside: 'http-400' }, source]);
  expect(entries.map(({ setAside }) => setAside)).toEqual([undefined, 'http-400', undefined]);
  expect(entries.map(({ id }) => id)).toEqual(told(hook).map(({ id }) => id));
});

test('what could not be told before the end is told after the next start', async () => {
  let status = 503;
  const { writer, hook, start } = await setUp(() => status);
  writer.raw(`${line(1, { user: 'eve' })}\n`);
  const first = await start();
  await until(() => hook.received.length >= 2);
  await stop(first);
  expect(first.status().pipelines.find(({ output }) => output === 'alerts')?.lagBytes).toBe(0);
  const before = told(hook);
  status = 200;
  const second = await start();
  await until(() => second.status().alerts?.[0]?.receivers[0]?.told === 1);
  await stop(second);
  const third = await start();
  await until(() => third.status().pipelines.every(({ state }) => state === 'idle'));
  expect(told(hook)).toHaveLength(before.length + 1);
  expect(new Set(told(hook).map(({ id }) => id)).size).toBe(1);
});

test('rules are read again when their file changes, and those from before stay where it is not usable', async () => {
  const { writer, rules, hook, start } = await setUp();
  const agent = await start();
  writeFileSync(rules, RULES.replace('severity: high', 'severity: loud'));
  await until(() => agent.status().alerts?.[0]?.words !== '');
  expect(agent.status().alerts?.[0]?.words).toContain('rules.yaml:3:15');
  writer.raw(`${line(1, { user: 'eve' })}\n`);
  await until(() => hook.received.length === 1);
  writeFileSync(rules, RULES.replace('get]', 'get, delete]'));
  await until(() => agent.status().alerts?.[0]?.words === '');
  writer.raw(`${line(2, { user: 'eve', verb: 'delete', name: 'x' })}\n`);
  await until(() => hook.received.length === 2);
  expect(told(hook)[1]?.summary).toContain('eve read x');
});
