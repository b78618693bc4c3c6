import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { waitUntil } from '../../src/demo/wait.ts';
import { BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { recordedEvents } from './made-state.ts';

/** None with a token in its URI: what is shipped is held byte by byte against this, and redaction is on by default. */
const EVENTS = recordedEvents(700)
  .filter((line) => !line.includes('token='))
  .slice(0, 500)
  .map((line) => `${line.toString('latin1')}\n`)
  .join('');

interface Running {
  readonly child: ChildProcess;
  readonly printed: { out: string; error: string };
  /** Exit code or signal. */
  readonly ended: Promise<number | string>;
}

function start(args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): Running {
  const child = spawn(process.execPath, [BUNDLE, ...args], { stdio: [stdin, 'pipe', 'pipe'] });
  child.stdin?.on('error', () => undefined);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const printed = { out: '', error: '' };
  child.stdout?.setEncoding('latin1').on('data', (text: string) => (printed.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (printed.error += text));
  const ended = once(child, 'close').then(([code, signal]) => (code as number | null) ?? String(signal));
  return { child, printed, ended };
}

async function auditail(args: readonly string[]) {
  const { ended, printed } = start(args);
  return { exit: await ended, ...printed };
}

/** A log with 500 recorded events, and the flags that ship it to a file. */
function scene() {
  const folder = temporaryDirectory();
  fs.mkdirSync(path.join(folder, 'log'));
  const log = path.join(folder, 'log/audit.log');
  fs.writeFileSync(log, EVENTS, { encoding: 'latin1', mode: 0o600 });
  const state = path.join(folder, 'state');
  const shipped = path.join(folder, 'shipped.ndjson');
  const source = ['--audit-log-path', log, '--state-dir', state];
  return { state, log, shipped, source, flags: [...source, '--output', 'file', '--output-path', shipped] };
}

/** Waits as long as the agent says something, and 20 seconds more. */
async function until(condition: () => boolean, { printed }: Running): Promise<void> {
  const progress = () => printed.out.length + printed.error.length;
  const came = await waitUntil(condition, { progress, standstillMs: 20_000 });
  if (!came) throw new Error(`nothing happens any more:\n${printed.error}`);
}

function settled(file: string): boolean {
  return fs.existsSync(file) && fs.readFileSync(file, 'latin1').length === EVENTS.length;
}

it('ship ships what is there, says what became of it, and ends', async () => {
  const { flags, shipped } = scene();
  const first = await auditail(['ship', ...flags]);
  expect(first).toMatchObject({ exit: 0, out: '' });
  expect(first.error).toMatch(/kube-apiserver +file +500 +500 +0 +0 +0 +0\n$/);
  expect(fs.readFileSync(shipped, 'latin1')).toBe(EVENTS);
  expect(await auditail(['ship', ...flags])).toMatchObject({ exit: 0 });
  expect(fs.readFileSync(shipped, 'latin1')).toBe(EVENTS);
});

it('ship says that there is no log, and ends with 1', async () => {
  const { flags, log } = scene();
  const missing = path.join(path.dirname(log), 'none/audit.log');
  const none = await auditail(['ship', ...flags, '--audit-log-path', missing]);
  expect(none.exit).toBe(1);
  expect(none.error).toMatch(
    /error AUD_LOG_UNREADABLE: nothing was shipped of source kube-apiserver: the directory .+none is not there\n/,
  );
  const other = scene();
  fs.rmSync(other.log);
  const empty = await auditail(['ship', ...other.flags]);
  expect(empty).toMatchObject({ exit: 1, error: expect.stringContaining('audit.log is not there yet') as unknown });
});

it('run ships until SIGTERM, is alone on its state directory, and can be asked how it is', async () => {
  const { flags, shipped, state } = scene();
  const agent = start(['run', ...flags, '--telemetry-listen', '127.0.0.1:0']);
  await until(() => settled(shipped), agent);
  const address = /"address":"([^"]+)"/.exec(agent.printed.error)?.[1];
  expect(await (await fetch(`http://${address}/readyz`)).text()).toBe('ok\n');
  expect(await (await fetch(`http://${address}/metrics`)).text()).toContain(
    'auditail_lag_bytes{source="kube-apiserver",output="file"} 0',
  );
  const asked = await auditail(['status', '--state-dir', state]);
  expect(asked.out).toMatch(/kube-apiserver +file +500 +500 +0 +0 +0 +0\n/);
  const second = await auditail(['run', ...flags, '--telemetry-listen', 'off']);
  expect(second).toMatchObject({ exit: 1, error: expect.stringContaining('error AUD_STATE_LOCKED: ') as unknown });
  agent.child.kill('SIGTERM');
  expect(await agent.ended).toBe(0);
  expect((await auditail(['status', '--state-dir', state])).error).toContain('No agent runs on ');
});

it('a pipe is shipped to its end, to standard output, with the log of the agent elsewhere', async () => {
  const { state } = scene();
  const agent = start(['--stdin', '--output', 'stdout', '--state-dir', state, '--telemetry-listen', 'off'], 'pipe');
  agent.child.stdin?.end(EVENTS, 'latin1');
  expect(await agent.ended).toBe(0);
  expect(agent.printed.out).toBe(EVENTS);
  expect(
    agent.printed.error
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { level: string }).level),
  ).toContain('info');
  expect(agent.printed.error).not.toContain('"level":"warn"');
});

it('an address that another program has is said before anything is started', async () => {
  const { flags, state } = scene();
  const other = net.createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const ran = await auditail(['run', ...flags, '--telemetry-listen', `127.0.0.1:${port}`]);
  expect(ran).toMatchObject({ exit: 1, out: '' });
  expect(ran.error).toContain(
    `error AUD_LISTEN: cannot listen on 127.0.0.1:${port}: another program listens there\nhint: `,
  );
  expect(fs.existsSync(state)).toBe(false);
});

it('a receiver that never answers holds up the end only until the second signal', async () => {
  const { source } = scene();
  let requests = 0;
  const silent = net.createServer((socket) => {
    requests += 1;
    socket.resume().on('error', () => undefined);
  });
  silent.listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await once(silent, 'listening');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  const agent = start(['run', ...source, '--output', 'http', '--url', url, '--telemetry-listen', 'off']);
  await until(() => requests > 0, agent);
  agent.child.kill('SIGTERM');
  await until(() => agent.printed.error.includes('stopping'), agent);
  const asked = performance.now();
  agent.child.kill('SIGTERM');
  expect(await agent.ended).toBe(0);
  expect(performance.now() - asked).toBeLessThan(8000);
});

it('a reader that has gone away is an end, not a fault', async () => {
  const { child, printed, ended } = start(['schema']);
  child.stdout?.destroy();
  expect(await ended).toBe(0);
  expect(printed.error).toBe('');
});
