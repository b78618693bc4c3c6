import { createHash } from 'node:crypto';
import http from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createStatusPage } from '../../src/cli/status-page.ts';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRequestHandler } from '../../src/telemetry/request-handler.ts';
import { listen, type TelemetryServer } from '../../src/telemetry/server.ts';
import { PIPELINE, STATUS } from '../telemetry/sample-status.ts';

let server: TelemetryServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(status: AgentStatus | undefined): Promise<string> {
  const current = () => status;
  const handler = createRequestHandler(
    { status: current, metrics: createMetrics(current), page: createStatusPage(current) },
    { withStatus: false },
  );
  server = await listen('127.0.0.1:0', handler);
  return server.address;
}

interface Got {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function get(address: string, headers: Readonly<Record<string, string>> = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = http.get(`http://${address}/`, { headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject);
  });
}

it('shows every source, output, outcome and error', async () => {
  const { status, headers, body } = await get(await serve(STATUS));
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  for (const text of ['/var/log/kubernetes/audit/audit.log', 'search', 'retrying', '4.8 MiB', '1h 30m', '1,000', '700'])
    expect(body).toContain(text);
  expect(body).toContain('refused: connect ECONNREFUSED 127.0.0.1:9200');
  expect(body).toContain('A part of the trail was lost');
});

it('lets a browser do nothing but show it', async () => {
  const { headers, body } = await get(await serve(STATUS));
  const policy = String(headers['content-security-policy']);
  const [, style = ''] = /<style>([^]*)<\/style>/.exec(body) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  expect(policy).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  expect(body).not.toMatch(/<script|\son\w+=|style="|javascript:|https?:/i);
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
});

it('shows hostile text as text', async () => {
  const hostile = `</td><script>alert(1)</script><img src=x onerror=alert(1)>"'&\u202e\u0000`;
  const pipeline = { ...PIPELINE, output: hostile, lastError: { at: hostile, reason: hostile, words: hostile } };
  const source = { ...STATUS.sources[0]!, name: hostile, origin: hostile, readable: false, words: hostile };
  const hostileState = { ...pipeline, state: `"><script>` as 'idle' };
  const { body } = await get(
    await serve({ ...STATUS, version: hostile, sources: [source], pipelines: [pipeline, hostileState] }),
  );
  expect(body).not.toMatch(/<script|<img|onerror=alert\(1\)>/);
  expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(body).toContain('\\u202e\\x00');
});

it('is not shown to other machines, to sites that borrow our address, nor through a proxy', async () => {
  const address = await serve(STATUS);
  const port = address.split(':').at(-1);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
    expect((await get(address, { host })).status).toBe(200);
  for (const host of [`evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example'])
    expect((await get(address, { host })).status, host).toBe(404);
  expect((await get(address, { 'x-forwarded-for': '203.0.113.9' })).status).toBe(404);
});

it('says so while the agent is starting', async () => {
  expect((await get(await serve(undefined))).body).toContain('The agent is starting.');
});
