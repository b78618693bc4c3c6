import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { startAgent } from '../../src/agent.ts';
import { configSchema } from '../../src/config/schema.ts';
import { eventLine, until } from '../pipeline/pipeline-harness.ts';
import { framed } from '../source/cri/cri-lines.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function post(port: number, line: string): Promise<void> {
  const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[${line}]}`;
  for (let tries = 0; ; tries += 1) {
    const status = await new Promise<number>((resolve) => {
      const posting = request({ port, host: '127.0.0.1', method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      posting.on('error', () => resolve(0));
      posting.end(body);
    });
    if (status === 200) return;
    if (tries > 500) throw new Error(`the webhook answers ${status}`);
  }
}

it('names the source of each event where that is asked for, of a log, a container and a webhook at once', async () => {
  const directory = temporaryDirectory();
  const port = await freePort();
  const container = join(directory, 'kube-system_kube-apiserver-node_1/kube-apiserver');
  mkdirSync(container, { recursive: true });
  appendFileSync(join(directory, 'audit.log'), eventLine(1));
  appendFileSync(join(container, '0.log'), framed([eventLine(2).trimEnd()]));
  const out = (name: string) => join(directory, `${name}.out`);
  const output = (name: string, more: object = {}) => ({
    name,
    type: 'file',
    path: out(name),
    batch: { maxDelay: '5ms' },
    ...more,
  });
  const parsed = configSchema.parse({
    stateDirectory: join(directory, 'state'),
    sources: [
      { name: 'log', type: 'file', path: join(directory, 'audit.log'), retain: { pins: 'off', minFree: '0%' } },
      { name: 'pod', type: 'file', format: 'cri', path: join(directory, 'kube-system_*/kube-apiserver/*.log') },
      { name: 'hook', type: 'webhook', listen: `127.0.0.1:${port}` },
    ],
    outputs: [output('all'), output('hooked', { sources: ['hook'] })],
    telemetry: { listen: 'off' },
  });
  const config = { ...parsed, metadata: { cluster: 'prod' }, namesSources: true };
  const agent = await startAgent(config, { mode: 'run', logger: pino({ level: 'silent' }), version: '0.0.0' });
  onTestFinished(async () => {
    agent.stop();
    agent.stop();
    await agent.ended;
  });
  await post(port, eventLine(3).trimEnd());
  const delivered = (name: string) =>
    readFileSync(out(name), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { auditail: object; auditID: string });
  await until(() => agent.status().pipelines.every(({ totals }) => totals.delivered === 1));
  const ids = [1, 2, 3].map((id) => (JSON.parse(eventLine(id)) as { auditID: string }).auditID);
  expect(new Map(delivered('all').map(({ auditail, auditID }) => [auditID, auditail]))).toEqual(
    new Map(ids.map((id, at) => [id, { cluster: 'prod', source: ['log', 'pod', 'hook'][at] }])),
  );
  expect(delivered('hooked').map(({ auditail }) => auditail)).toEqual([{ cluster: 'prod', source: 'hook' }]);
  const { sources, pipelines } = agent.status();
  expect(sources.map(({ name, type, readable }) => [name, type, readable])).toEqual([
    ['log', 'file', true],
    ['pod', 'file', true],
    ['hook', 'webhook', true],
  ]);
  expect(pipelines.map(({ source, output: to }) => `${source} ${to}`)).toEqual([
    'log all',
    'pod all',
    'hook all',
    'hook hooked',
  ]);
});
