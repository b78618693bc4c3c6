import { afterEach, describe, expect, it } from 'vitest';
import { refusingUrl, startReceiver, startSockets } from './support/receiver.ts';
import { closeTransports, FOREVER, post, transportTo } from './support/transports.ts';

afterEach(closeTransports);

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
