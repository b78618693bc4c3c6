import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createTransport, type TransportOptions } from '../../src/output/http-transport.ts';
import type { Transport, TransportReply } from '../../src/output/transport.ts';
import { outputConfig } from './support/network-output.ts';
import { refusingUrl, startReceiver, startSockets } from './support/receiver.ts';

const FOREVER = new AbortController().signal;
const PEM = new URL('../fixtures/tls/', import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, PEM), 'utf8');

const open: Transport[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
  await Promise.all(folders.splice(0).map((path) => rm(path, { recursive: true })));
});

function transportTo(settings: Readonly<Record<string, unknown>>, options: Partial<TransportOptions> = {}): Transport {
  const config = outputConfig('http', { timeout: '400ms', ...settings });
  const transport = createTransport(config, { userAgent: 'auditail/test', environment: {}, ...options });
  open.push(transport);
  return transport;
}

function post(transport: Transport, body = Buffer.from('x'), path = ''): Promise<TransportReply> {
  return transport.request({ method: 'POST', path, body }, FOREVER);
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'auditail-transport-'));
  folders.push(made);
  return made;
}

describe('what goes wrong on the way', () => {
  it('says refused where nobody listens', async () => {
    const reply = await post(transportTo({ url: await refusingUrl() }));
    expect(reply).toMatchObject({ status: 0, reason: 'refused', complete: false });
    expect(reply.words).toContain('ECONNREFUSED');
  });

  it('says dns for a name that does not exist', async () => {
    expect((await post(transportTo({ url: 'http://no-such-host.invalid', timeout: '8s' }))).reason).toBe('dns');
  });

  it('says reset where the connection breaks before the answer', async () => {
    await using server = await startSockets((socket) => socket.resetAndDestroy());
    expect(await post(transportTo({ url: server.url }))).toMatchObject({ status: 0, reason: 'reset' });
  });

  it('says reset where the connection is closed in the middle of a large body', async () => {
    await using server = await startSockets((socket) => socket.resetAndDestroy());
    expect(await post(transportTo({ url: server.url }), Buffer.alloc(8 * 2 ** 20))).toMatchObject({
      status: 0,
      reason: 'reset',
    });
  });

  it('says reset where the answer breaks off', async () => {
    await using server = await startSockets((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it', () => socket.resetAndDestroy());
    });
    expect(await post(transportTo({ url: server.url }))).toMatchObject({ status: 0, reason: 'reset' });
  });

  it('hears a 413 that comes before the body is sent', async () => {
    await using server = await startSockets((socket) => {
      socket.end('HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
    expect(await post(transportTo({ url: server.url, timeout: '5s' }), Buffer.alloc(8 * 2 ** 20))).toMatchObject({
      status: 413,
    });
  });

  it('gives up a server that never answers', async () => {
    await using server = await startSockets(() => {});
    const reply = await post(transportTo({ url: server.url }));
    expect(reply).toMatchObject({ status: 0, reason: 'timeout' });
    expect(reply.words).toContain('no answer within 400 ms');
  });

  it('gives up a server that never takes the body', async () => {
    await using server = await startSockets((socket) => socket.pause());
    expect(await post(transportTo({ url: server.url, timeout: '100ms' }), Buffer.alloc(2 ** 20 / 2))).toMatchObject({
      reason: 'timeout',
    });
  });

  it('gives up an answer that trickles on and on', async () => {
    await using server = await startSockets((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
      const drip = setInterval(() => socket.write('.'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    expect(await post(transportTo({ url: server.url }))).toMatchObject({ status: 0, reason: 'timeout' });
  });

  it('gives up headers that trickle on and on', async () => {
    await using server = await startSockets((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => socket.write('x: y\r\n'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    expect(await post(transportTo({ url: server.url }))).toMatchObject({ status: 0, reason: 'timeout' });
  });

  it('cuts an answer without an end, and the connection with it', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await startSockets((socket) => {
      socket.write('HTTP/1.1 500 Oops\r\n\r\n');
      const pour = setInterval(() => socket.write('x'.repeat(20_000)), 1);
      socket.on('close', () => {
        clearInterval(pour);
        closed.resolve();
      });
    });
    const reply = await post(transportTo({ url: server.url, timeout: '10s' }));
    expect(reply).toMatchObject({ status: 500, complete: false });
    expect(reply.body).toHaveLength(64 * 1024);
    await closed.promise;
  });

  it('reads an answer of exactly the allowed length to its end', async () => {
    await using server = await startReceiver(() => ({ status: 200, body: 'x'.repeat(1000) }));
    const reply = await transportTo({ url: server.url }).request(
      { method: 'GET', path: '', maxAnswerBytes: 1000 },
      FOREVER,
    );
    expect(reply).toMatchObject({ status: 200, complete: true });
  });

  it('says garbled for headers without measure', async () => {
    await using server = await startSockets((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`),
    );
    expect(await post(transportTo({ url: server.url }))).toMatchObject({ status: 0, reason: 'garbled' });
  });

  it('says garbled for what is no HTTP', async () => {
    await using server = await startSockets((socket) => socket.end('220 mail.example ESMTP\r\n'));
    expect(await post(transportTo({ url: server.url }))).toMatchObject({ status: 0, reason: 'garbled' });
  });

  it('survives a break at every byte of an answer, and goes on with the next request', async () => {
    const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
    let bytes = 0;
    await using server = await startSockets((socket) => {
      socket.write(whole.slice(0, bytes), () => (bytes < whole.length ? socket.resetAndDestroy() : undefined));
    });
    const transport = transportTo({ url: server.url, timeout: '5s' });
    for (bytes = 0; bytes < whole.length; bytes++) {
      expect(await post(transport), `after ${bytes} bytes`).toMatchObject({ status: 0, reason: 'reset' });
    }
    expect(await post(transport)).toMatchObject({ status: 200 });
  });

  it('does not follow a redirect', async () => {
    await using server = await startReceiver(() => ({ status: 307, headers: { location: '/elsewhere' } }));
    expect(await post(transportTo({ url: server.url }))).toMatchObject({
      status: 307,
      headers: { location: '/elsewhere' },
    });
    expect(server.received).toHaveLength(1);
  });

  it('takes a Retry-After that is past for no wait', async () => {
    await using server = await startReceiver(() => ({
      status: 503,
      headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' },
    }));
    expect((await post(transportTo({ url: server.url }))).retryAfterMs).toBe(0);
  });

  it('says aborted, at once, when it is told to stop before and during a request', async () => {
    await using server = await startSockets(() => {});
    const transport = transportTo({ url: server.url, timeout: '20s' });
    expect((await transport.request({ method: 'POST', path: '' }, AbortSignal.abort())).reason).toBe('aborted');
    const controller = new AbortController();
    const waiting = transport.request({ method: 'POST', path: '', body: Buffer.from('x') }, controller.signal);
    setTimeout(() => controller.abort(), 20);
    expect(await waiting).toMatchObject({ status: 0, reason: 'aborted' });
  });

  it('uses its connections again and again', async () => {
    await using server = await startReceiver(() => ({ status: 200, body: 'ok' }));
    const transport = transportTo({ url: server.url, batch: { maxInFlight: 1 } });
    for (let i = 0; i < 20; i++) expect((await post(transport)).status).toBe(200);
    expect(server.connections).toBeLessThanOrEqual(2); // undici lets a connection rest for one turn of the event loop
  });
});

describe('several endpoints', () => {
  it('takes the next one while the first refuses, and returns to the first after its rest', async () => {
    let now = 1_000_000;
    let broken = true;
    await using first = await startSockets((socket) => {
      if (broken) socket.resetAndDestroy();
      else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nfirst');
    });
    await using second = await startReceiver(() => ({ status: 200, body: 'second' }));
    const transport = transportTo({ url: [first.url, second.url] }, { now: () => now });

    // It may have arrived before the reset: the transport must not send it again by itself.
    expect(await post(transport)).toMatchObject({ status: 0, reason: 'reset' });
    expect((await post(transport)).body.toString()).toBe('second');
    broken = false;
    now += 4_999;
    expect((await post(transport)).body.toString()).toBe('second');
    now += 1;
    expect((await post(transport)).body.toString()).toBe('first');
  });

  it('goes to the next one within the same request where the first certainly saw nothing of it', async () => {
    await using second = await startReceiver(() => ({ status: 200, body: 'second' }));
    const transport = transportTo({ url: [await refusingUrl(), second.url] });
    expect((await post(transport)).body.toString()).toBe('second');
    expect(second.received).toHaveLength(1);
  });

  it('rests a gateway that has nothing behind it', async () => {
    await using first = await startReceiver(() => ({ status: 502 }));
    await using second = await startReceiver(() => ({ status: 200 }));
    const transport = transportTo({ url: [first.url, second.url] });
    expect((await post(transport)).status).toBe(502);
    expect((await post(transport)).status).toBe(200);
  });

  it('still tries when all of them rest', async () => {
    const transport = transportTo({ url: [await refusingUrl(), await refusingUrl()] });
    expect((await post(transport)).reason).toBe('refused');
    expect((await post(transport)).reason).toBe('refused');
  });
});

describe('credentials', () => {
  it('sends a new token as soon as its file changes, by rename or in place', async () => {
    const file = join(await folder(), 'token');
    await writeFile(file, 'first-token\n');
    await using server = await startReceiver(() => ({ status: 200 }));
    const transport = transportTo({ url: server.url, auth: { bearer: { file } } });
    await post(transport);
    await writeFile(`${file}.new`, 'second-token\n');
    await rename(`${file}.new`, file);
    await post(transport);
    writeFileSync(file, 'third-token-in-place');
    await post(transport);
    expect(server.received.map((request) => request.headers.authorization)).toEqual([
      'Bearer first-token',
      'Bearer second-token',
      'Bearer third-token-in-place',
    ]);
  });

  it('says secret while the file is away or empty, and goes on when it is back', async () => {
    const file = join(await folder(), 'key');
    await writeFile(file, 'one');
    await using server = await startReceiver(() => ({ status: 200 }));
    const transport = transportTo({ url: server.url, auth: { apiKey: { file } } });
    await rm(file);
    expect(await post(transport)).toMatchObject({ status: 0, reason: 'secret' });
    await writeFile(file, '');
    expect(await post(transport)).toMatchObject({ status: 0, reason: 'secret' });
    await writeFile(file, 'two');
    expect(await post(transport)).toMatchObject({ status: 200 });
    expect(server.received.map((request) => request.headers.authorization)).toEqual(['ApiKey two']);
  });

  it('does not start without them', () => {
    const url = 'http://127.0.0.1:1';
    expect(() => transportTo({ url, auth: { bearer: { file: '/no/such/file' } } })).toThrow(
      expect.objectContaining({ code: 'AUD_SECRET', message: expect.stringContaining('outputs.out.auth.bearer') }),
    );
    expect(() => transportTo({ url, auth: { bearer: { env: 'NO_SUCH_VARIABLE' } } })).toThrow(
      expect.objectContaining({ code: 'AUD_SECRET', message: expect.stringContaining('NO_SUCH_VARIABLE') }),
    );
    expect(() => transportTo({ url, tls: { ca: 'no PEM at all', cert: 'nor this', key: 'x' } })).toThrow(
      expect.objectContaining({ code: 'AUD_SECRET', message: expect.stringContaining('outputs.out.tls') }),
    );
    expect(() =>
      transportTo({ url, headers: { 'x-token': { env: 'TOKEN' } } }, { environment: { TOKEN: 'a\nb' } }),
    ).toThrow(expect.objectContaining({ code: 'AUD_SECRET', message: expect.not.stringContaining('a\nb') }));
  });

  it('takes secrets out of an error that quotes the request', async () => {
    await using server = await startReceiver((request) => ({
      status: 403,
      body: `you sent ${JSON.stringify(request.headers)}`,
    }));
    const transport = transportTo(
      {
        url: server.url,
        auth: { basic: { username: 'writer', password: { env: 'PASSWORD' } } },
        headers: { 'x-token': { env: 'TOKEN' } },
      },
      { environment: { PASSWORD: 'correct horse', TOKEN: 'battery staple' } },
    );
    const { body } = await post(transport);
    expect(body.toString()).toContain('you sent');
    expect(server.received[0]?.headers['x-token']).toBe('battery staple');
    expect(body.toString()).not.toContain('battery staple');
    expect(body.toString()).not.toContain(Buffer.from('writer:correct horse').toString('base64'));
  });
});

describe('TLS', () => {
  const server = { cert: pem('server.pem'), key: pem('server.key') };

  it('trusts the configured authority', async () => {
    await using receiver = await startReceiver(() => ({ status: 200 }), server);
    expect(await post(transportTo({ url: receiver.url, tls: { ca: pem('ca.pem') } }))).toMatchObject({ status: 200 });
  });

  it('says tls for another authority, for none, and for the wrong name', async () => {
    await using receiver = await startReceiver(() => ({ status: 200 }), server);
    await using elsewhere = await startReceiver(() => ({ status: 200 }), {
      cert: pem('wrong-name.pem'),
      key: pem('wrong-name.key'),
    });
    expect(await post(transportTo({ url: receiver.url, tls: { ca: pem('other-ca.pem') } }))).toMatchObject({
      reason: 'tls',
    });
    expect(await post(transportTo({ url: receiver.url }))).toMatchObject({ reason: 'tls' });
    expect(await post(transportTo({ url: elsewhere.url, tls: { ca: pem('ca.pem') } }))).toMatchObject({
      reason: 'tls',
    });
    expect(receiver.received).toHaveLength(0);
  });

  it('says tls where the other side speaks none', async () => {
    await using plain = await startReceiver(() => ({ status: 200 }));
    expect(await post(transportTo({ url: plain.url.replace('http:', 'https:') }))).toMatchObject({
      status: 0,
      reason: 'tls',
    });
  });

  it('trusts anybody where it is told to', async () => {
    await using receiver = await startReceiver(() => ({ status: 200 }), server);
    expect(await post(transportTo({ url: receiver.url, tls: { verify: false } }))).toMatchObject({ status: 200 });
  });

  it('shows a new client certificate once both its files have changed, and drops no request meanwhile', async () => {
    const place = await folder();
    const [cert, key] = [join(place, 'tls.crt'), join(place, 'tls.key')];
    await writeFile(cert, pem('client-one.pem'));
    await writeFile(key, pem('client-one.key'));
    await using receiver = await startReceiver(() => ({ status: 200 }), {
      ...server,
      ca: pem('ca.pem'),
      requestCert: true,
    });
    const transport = transportTo({
      url: receiver.url,
      tls: { ca: pem('ca.pem'), cert: { file: cert }, key: { file: key } },
    });
    expect(await post(transport)).toMatchObject({ status: 200 });
    await writeFile(cert, pem('client-two.pem'));
    expect(await post(transport)).toMatchObject({ status: 0, reason: 'secret' });
    await writeFile(key, pem('client-two.key'));
    expect(await post(transport)).toMatchObject({ status: 200 });
    expect(receiver.received.map((request) => request.clientName)).toEqual(['client one', 'client two']);
  });

  it('is held by a server that wants a client certificate', async () => {
    await using receiver = await startReceiver(() => ({ status: 200 }), {
      ...server,
      ca: pem('ca.pem'),
      requestCert: true,
    });
    expect((await post(transportTo({ url: receiver.url, tls: { ca: pem('ca.pem') } }))).status).toBe(0);
  });
});

describe('a request', () => {
  it('has the headers, the path and the query of the configuration and its own', async () => {
    await using server = await startReceiver(() => ({ status: 200 }));
    const transport = transportTo({ url: `${server.url}/base/?a=1`, headers: { 'X-Own': 'yes' } });
    await transport.request(
      {
        method: 'POST',
        path: '/_bulk?b=2',
        headers: { 'content-type': 'application/x-ndjson' },
        body: Buffer.from('x'),
      },
      FOREVER,
    );
    await transport.request({ method: 'GET', path: '' }, FOREVER);
    expect(server.received.map((request) => request.url)).toEqual(['/base/_bulk?a=1&b=2', '/base/?a=1']);
    expect(server.received[0]?.headers).toMatchObject({
      'user-agent': 'auditail/test',
      'x-own': 'yes',
      'content-type': 'application/x-ndjson',
      'content-length': '1',
    });
  });

  it('is packed on demand and leaves its body as it was', async () => {
    await using server = await startReceiver(() => ({ status: 200 }));
    const body = Buffer.from('an audit event\n'.repeat(50_000));
    const copy = Buffer.from(body);
    await transportTo({ url: server.url, timeout: '5s' }).request(
      { method: 'POST', path: '', body, gzip: true },
      FOREVER,
    );
    expect(body.equals(copy)).toBe(true);
    expect(server.received[0]?.headers['content-encoding']).toBe('gzip');
    expect(Number(server.received[0]?.headers['content-length'])).toBeLessThan(body.length / 50);
    expect(server.received[0]?.body.equals(body)).toBe(true);
  });

  it('goes through a proxy that the environment names, but for what it excepts', async () => {
    await using proxy = await startReceiver((request) => ({ status: 200, body: `proxied ${request.url}` }));
    await using server = await startReceiver(() => ({ status: 200, body: 'direct' }));
    const proxied = transportTo({ url: 'http://logs.example/in' }, { environment: { HTTP_PROXY: proxy.url } });
    expect((await post(proxied)).body.toString()).toBe('proxied http://logs.example/in');
    const direct = transportTo({ url: server.url }, { environment: { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } });
    expect((await post(direct)).body.toString()).toBe('direct');
  });

  it('says proxy where the proxy refuses the tunnel', async () => {
    await using proxy = await startSockets((socket) =>
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'),
    );
    const transport = transportTo({ url: 'https://logs.example/in' }, { environment: { HTTPS_PROXY: proxy.url } });
    expect(await post(transport)).toMatchObject({ status: 0, reason: 'proxy' });
  });
});
