import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpOutput } from '../../../src/output/http/http.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { SendResult } from '../../../src/output/output.ts';
import { freePort } from '../../support/free-port.ts';
import { runScript } from '../../support/run-script.ts';
import { shared } from '../../support/shared.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';

const FOREVER = new AbortController().signal;
const SCRIPTS = shared('servers/nginx');
const note = SCRIPTS === undefined ? ' (skipped: there is no nginx in AUDITAIL_SHARED)' : '';
const LINES = [auditLine({ auditID: 'a' }), auditLine({ auditID: 'b' })];

describe.skipIf(SCRIPTS === undefined)(`behind a real nginx${note}`, () => {
  let env: NodeJS.ProcessEnv;
  let port: number;
  let state: string;
  let behind: Receiver;

  beforeAll(async () => {
    behind = await startReceiver(() => ({ status: 200 }));
    port = await freePort();
    state = join(mkdtempSync(join(tmpdir(), 'auditail-nginx-')), 'state');
    // What stands behind the upstream ends up in the location: a body is passed on as it comes.
    const upstream = `${new URL(behind.url).host}/; proxy_http_version 1.1; proxy_request_buffering off; set $x 1`;
    env = { ...process.env, NGX_PORT: `${port}`, NGX_UPSTREAM: upstream, SINK_STATE: state };
    await runScript(join(SCRIPTS ?? '', 'up.sh'), [], env);
  });
  afterAll(async () => {
    await runScript(join(SCRIPTS ?? '', 'down.sh'), [], env);
    await behind[Symbol.asyncDispose]();
  });

  async function send(
    path: string,
    settings: Readonly<Record<string, unknown>> = {},
    lines: readonly string[] = LINES,
  ): Promise<SendResult> {
    const { url = `http://127.0.0.1:${port}`, ...rest } = settings;
    const config = outputConfig('http', { url: `${String(url)}${path}`, ...rest });
    const output = createHttpOutput(config, {}, createTransport(config, { userAgent: 'test', environment: {} }));
    try {
      return await output.send(wholePart(batchOf(output, lines)), FOREVER);
    } finally {
      await output.close();
    }
  }

  it('takes a body of eight megabytes through, whole, without nginx buffering it', async () => {
    const lines = Array.from({ length: 2000 }, (_, at) => auditLine({ auditID: `${at}`, x: 'y'.repeat(4000) }));
    expect(await send('/up/in', {}, lines)).toEqual({ rejected: [], again: [], duplicates: 0 });
    expect(behind.received.at(-1)?.body.toString()).toBe(`${lines.join('\n')}\n`);
  });

  it.each([
    ['a closed upstream', '/down/', 'retry', 'http-502', '502 Bad Gateway'],
    ['a silent upstream', '/slow/', 'retry', 'http-504', '504 Gateway Time-out'],
    ['no password', '/auth', 'hold', 'http-401', '401 Authorization Required'],
    ['a redirect', '/redir', 'hold', 'http-307', 'redirected to '],
    ['404', '/s/404', 'hold', 'http-404', '404 Not Found'],
    ['405', '/s/405', 'hold', 'http-405', '405 Not Allowed'],
    ['408, which is a closed connection', '/s/408', 'retry', 'reset', ''],
    ['500', '/s/500', 'retry', 'http-500', '500 Internal Server Error'],
    ['503', '/s/503', 'retry', 'http-503', '503 Service Temporarily Unavailable'],
    ['507', '/s/507', 'retry', 'http-507', ''],
    ['400', '/s/400', 'suspect', 'http-400', '400 Bad Request'],
    ['422', '/s/422', 'suspect', 'http-422', ''],
  ])('knows %s by its page of HTML', async (_, path, how, reason, words) => {
    const { again, rejected } = await send(path);
    expect(rejected).toEqual([]);
    expect(again).toMatchObject([{ how, reason, items: [0, 1] }]);
    expect(again[0]?.words).toContain(words);
    expect(again[0]?.words).not.toMatch(/[<>]/);
  });

  it('splits over 1 MB (client_max_body_size), and sets a single event aside that is larger', async () => {
    const large = auditLine({ x: 'y'.repeat(1_100_000) });
    expect((await send('/big', {}, [large, auditLine()])).again).toMatchObject([{ how: 'split', items: [0, 1] }]);
    expect((await send('/big', {}, [large])).rejected).toMatchObject([{ item: 0, reason: 'too-large', status: 413 }]);
    expect(await send('/big')).toEqual({ rejected: [], again: [], duplicates: 0 });
  });

  it('waits where requests are limited', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => send('/limit')));
    const again = results.flatMap((result) => [...result.again]);
    expect(again.length).toBeGreaterThan(0);
    for (const one of again) expect(one).toMatchObject({ how: 'retry', reason: 'http-429', status: 429 });
  });

  it('takes the password, its own certificate and that of the client', async () => {
    const basic = { username: 'user', password: 'pass' };
    expect((await send('/auth', { auth: { basic } })).again).toEqual([]);
    const url = `https://localhost:${port + 1}`;
    const ca = readFileSync(join(state, 'cert.pem'), 'utf8');
    expect((await send('/ok', { url })).again).toMatchObject([{ how: 'hold', reason: 'tls' }]);
    expect((await send('/mtls', { url, tls: { ca } })).again).toMatchObject([{ how: 'hold', reason: 'http-403' }]);
    const cert = { file: join(state, 'client-cert.pem') };
    const key = { file: join(state, 'client-key.pem') };
    expect((await send('/mtls', { url, tls: { ca, cert, key } })).again).toEqual([]);
  });
});
