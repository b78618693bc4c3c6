import http from 'node:http';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRequestHandler } from '../../src/telemetry/request-handler.ts';
import type { TelemetryServer } from '../../src/telemetry/server.ts';
import { listen } from '../../src/telemetry/server.ts';
import { STATUS } from './sample-status.ts';

const refusing = () => undefined;

let server: TelemetryServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(status: AgentStatus | undefined, withStatus = false): Promise<string> {
  const current = () => status;
  server = await listen(
    '127.0.0.1:0',
    createRequestHandler({ status: current, metrics: createMetrics(current) }, { withStatus }),
  );
  return `http://${server.address}`;
}

async function ask(url: string, method = 'GET'): Promise<string> {
  const response = await fetch(url, { method });
  return `${response.status} ${(await response.text()).trimEnd()}`;
}

const down = { ...STATUS, sources: [{ ...STATUS.sources[0]!, readable: false, words: 'the log is not there' }] };

it('is healthy as long as it answers, and ready while the sources are followed, whatever the outputs do', async () => {
  const url = await serve(STATUS);
  expect(await ask(`${url}/healthz`)).toBe('200 ok');
  expect(await ask(`${url}/readyz?verbose`)).toBe('200 ok');
});

it('is not ready, but healthy, while a source cannot be read or the agent is starting', async () => {
  const url = await serve(down);
  expect(await ask(`${url}/healthz`)).toBe('200 ok');
  expect(await ask(`${url}/readyz`)).toBe('503 source kube-apiserver: the log is not there');
  await server?.close();
  expect(await ask(`${await serve(undefined)}/readyz`)).toBe('503 the agent is starting');
});

it('serves the metrics in the format of Prometheus', async () => {
  const response = await fetch(`${await serve(STATUS)}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toContain('auditail_info{version="1.2.3"} 1');
});

it('tells the status only where it is meant to', async () => {
  expect(await ask(`${await serve(STATUS)}/status`)).toBe(
    '404 there is nothing here but /metrics, /healthz and /readyz',
  );
  await server?.close();
  const answer = await fetch(`${await serve(STATUS, true)}/status`);
  expect(await answer.json()).toEqual(STATUS);
});

it('answers GET and HEAD only, and HEAD without a body', async () => {
  const url = await serve(STATUS);
  expect(await ask(`${url}/metrics`, 'POST')).toBe('405 only GET and HEAD are answered here');
  expect(await ask(`${url}/healthz`, 'HEAD')).toBe('200 ');
  expect(await ask(`${url}/`)).toMatch(/^404 /);
});

it('refuses headers that are too large', async () => {
  const { port } = new URL(await serve(STATUS));
  const status = await new Promise((resolve, reject) => {
    const request = http.get(
      { port, host: '127.0.0.1', path: '/healthz', headers: { 'x-large': 'x'.repeat(10_000) } },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.on('error', reject);
  });
  expect(status).toBe(431);
});

it('goes away at once, also from connections that are open', async () => {
  const { port } = new URL(await serve(STATUS));
  const socket = net.connect(Number(port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await server?.close();
  await closed;
});

it('says what is wrong with an address that cannot be had', async () => {
  const { port } = new URL(await serve(STATUS));
  await expect(listen(`127.0.0.1:${port}`, refusing)).rejects.toMatchObject({
    code: 'AUD_LISTEN',
    message: `cannot listen on 127.0.0.1:${port}: another program listens there`,
  });
  await expect(listen('192.0.2.1:0', refusing)).rejects.toMatchObject({
    message: 'cannot listen on 192.0.2.1:0: this machine has no such address',
  });
});

it('listens on IPv6 and on all addresses', async () => {
  server = await listen(':0', (_request, response) => response.end('here'));
  expect(server.address).toMatch(/^(\[::\]|0\.0\.0\.0):\d+$/);
});
