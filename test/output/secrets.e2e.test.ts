import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { AgentProcess } from '../../src/demo/agent-process.ts';
import { waitUntil } from '../../src/demo/wait.ts';
import { BUNDLE } from '../support/agent.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { auditLine } from './support/batch.ts';
import { startReceiver } from './support/receiver.ts';

const PASSWORD = 'correct-horse-battery';
const TOKEN = 'tok-0123456789abcdef';
/** As it is sent: the name of the source is filled into it. */
const HEADER = 'hdr-kubecba9876543210';
const API_KEY = 'aWQ6YXBpLWtleS1zZWNyZXQ=';
const PROXY_PASSWORD = 'proxy-staple-4711';
const QUERY_TOKEN = 'qry-00112233445566';
const SECRETS = [
  PASSWORD,
  TOKEN,
  HEADER,
  API_KEY,
  PROXY_PASSWORD,
  Buffer.from(`squid:${PROXY_PASSWORD}`).toString('base64'),
  QUERY_TOKEN,
  Buffer.from(`shipper:${PASSWORD}`).toString('base64'),
];

function echo(headers: unknown): string {
  return JSON.stringify({ error: { type: 'refused', reason: JSON.stringify(headers) } });
}

const NOWHERE =
  'says no secret in its log, errors, status, metrics, help, state or process, even where the receiver quotes it';

it(NOWHERE, { timeout: 90_000 }, async () => {
  // It refuses everything, and repeats what it was sent.
  await using receiver = await startReceiver(({ headers }) => ({ status: 401, body: echo(headers) }));
  const directory = temporaryDirectory();
  const log = join(directory, 'audit.log');
  const config = join(directory, 'auditail.yaml');
  const stateDirectory = join(directory, 'state');
  writeFileSync(log, `${auditLine()}\n`);
  writeFileSync(join(directory, 'token'), TOKEN);
  const listen = `127.0.0.1:${await freePort()}`;
  const common = { url: receiver.url, retry: { initialDelay: '10ms', maxDelay: '50ms' } };
  const basic = { username: 'shipper', password: { env: 'SHIPPER_PASSWORD' } };
  const outputs = [
    { ...common, name: 'search', type: 'elasticsearch', index: 'audit', auth: { basic } },
    { ...common, name: 'logs', type: 'loki', auth: { bearer: { file: join(directory, 'token') } } },
    { ...common, name: 'keyed', type: 'elasticsearch', index: 'audit', auth: { apiKey: { env: 'API_KEY' } } },
    // It is reached through a proxy that wants a password, and quotes it; the other by a name that leads nowhere.
    { ...common, name: 'far', type: 'http', url: `http://logs.example/in?token=${QUERY_TOKEN}` },
    { ...common, name: 'tunnel', type: 'http', url: `https://logs.example/in?token=${QUERY_TOKEN}` },
    {
      ...common,
      name: 'hook',
      type: 'http',
      headers: { 'X-Api-Token': `${HEADER.slice(0, 4)}\${source}${HEADER.slice(8)}` },
    },
  ];
  const sources = [{ name: 'kube', type: 'file', path: log }];
  writeFileSync(config, stringify({ stateDirectory, sources, outputs, telemetry: { listen } }));

  const proxy = receiver.url.replace('http://', `http://squid:${PROXY_PASSWORD}@`);
  const proxies = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: '127.0.0.1' };
  const env = { SHIPPER_PASSWORD: PASSWORD, API_KEY, ...proxies };
  const start = (...args: readonly string[]) => new AgentProcess({ program: [process.execPath, BUNDLE], args, env });
  const said: string[] = [];
  const agent = start('run', '--config', config);
  onTestFinished(() => agent.send('SIGKILL'));
  const progress = (): number => receiver.received.length;
  expect(await waitUntil(() => progress() >= 24, { progress, standstillMs: 20_000 })).toBe(true);
  const commands = [
    ['status', '--json', '--state-dir', stateDirectory],
    ['status', '--state-dir', stateDirectory],
    ['state', 'list', '--state-dir', stateDirectory],
    ['dead-letter', 'list', '--state-dir', stateDirectory],
    ['check', '--connect', '--config', config],
    ['setup', '--config', config],
    ['--help'],
    ['run', '--help'],
    ['run', '--config', config],
  ];
  for (const args of commands) {
    const command = start(...args);
    await command.exited;
    expect(command.log.length, args.join(' ')).toBeGreaterThan(0);
    said.push(command.log);
  }
  for (const path of ['/', '/metrics', '/healthz', '/readyz', '/status', '/nope']) {
    said.push(await (await fetch(`http://${listen}${path}`)).text());
  }
  for (const name of ['cmdline', 'comm', 'stat']) said.push(readFileSync(`/proc/${agent.pid}/${name}`, 'latin1'));
  await agent.kill();
  said.push(agent.log);
  for (const name of readdirSync(stateDirectory, { recursive: true, encoding: 'utf8' })) {
    const file = join(stateDirectory, name);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) said.push(readFileSync(file, 'latin1'));
  }

  const sent = JSON.stringify(receiver.received.map(({ headers }) => headers));
  const basicText = Buffer.from(`shipper:${PASSWORD}`).toString('base64');
  for (const secret of [TOKEN, HEADER, API_KEY, basicText]) expect(sent).toContain(secret);
  expect(receiver.received.some(({ url }) => url.startsWith('http://logs.example/'))).toBe(true);
  expect(said.join('\n')).toContain('401');
  for (const secret of SECRETS) expect(said.filter((text) => text.includes(secret))).toEqual([]);
});
