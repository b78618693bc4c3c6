import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { startReceiver, startSockets } from './support/receiver.ts';
import { closeTransports, FOREVER, post, transportTo } from './support/transports.ts';

afterEach(closeTransports);

/** A proxy that lets everything through to the receiver, and notes what it was asked for. */
function startTunnel({ url }: { readonly url: string }, asked: string[]) {
  return startSockets((socket, first) => {
    asked.push(first.toString('latin1'));
    const upstream = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    socket.on('close', () => upstream.destroy());
  });
}

function pem(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8');
}

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

  it('goes through the tunnel of a proxy to a receiver that wants its certificate, and tells the proxy no secret', async () => {
    await using receiver = await startReceiver(() => ({ status: 200 }), {
      cert: pem('server.pem'),
      key: pem('server.key'),
      ca: pem('ca.pem'),
      requestCert: true,
    });
    const asked: string[] = [];
    await using proxy = await startTunnel(receiver, asked);
    const settings = {
      url: receiver.url.replace('127.0.0.1', 'localhost'),
      auth: { bearer: 'token-for-the-receiver' },
      tls: { ca: pem('ca.pem'), cert: pem('client-one.pem'), key: pem('client-one.key') },
    };
    const way = proxy.url.replace('http://', 'http://squid:pass-for-the-proxy@');
    expect(await post(transportTo(settings, { environment: { https_proxy: way } }))).toMatchObject({ status: 200 });
    expect(receiver.received[0]).toMatchObject({ clientName: 'client one' });
    expect(receiver.received[0]?.headers['authorization']).toBe('Bearer token-for-the-receiver');
    expect(receiver.received[0]?.headers).not.toHaveProperty('proxy-authorization');
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/^CONNECT localhost:\d+ HTTP/);
    expect(asked[0]).toContain(Buffer.from('squid:pass-for-the-proxy').toString('base64'));
    expect(asked[0]).not.toContain('token-for-the-receiver');
  });

  it.each(['directly', 'through the tunnel of a proxy'])(
    'speaks HTTP/1.1 %s where HTTP/2 is to be had',
    async (way) => {
      const material = { cert: pem('server.pem'), key: pem('server.key') };
      const server = createSecureServer({ ...material, allowHTTP1: true }, ({ httpVersion }, response) =>
        response.end(httpVersion),
      );
      onTestFinished(() => void server.close());
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const url = `https://localhost:${(server.address() as AddressInfo).port}`;
      await using proxy = await startTunnel({ url }, []);
      const environment = way === 'directly' ? {} : { https_proxy: proxy.url };
      const reply = await post(transportTo({ url, tls: { ca: pem('ca.pem') } }, { environment }));
      expect(reply).toMatchObject({ status: 200, body: Buffer.from('1.1') });
    },
  );

  it('says proxy where the proxy refuses the tunnel', async () => {
    await using proxy = await startSockets((socket) =>
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'),
    );
    const transport = transportTo({ url: 'https://logs.example/in' }, { environment: { HTTPS_PROXY: proxy.url } });
    expect(await post(transport)).toMatchObject({ status: 0, reason: 'proxy' });
  });
});
