import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startReceiver } from './support/receiver.ts';
import { closeTransports, post, transportTo } from './support/transports.ts';

const PEM = new URL('../fixtures/tls/', import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, PEM), 'utf8');
const folders: string[] = [];

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'auditail-transport-'));
  folders.push(made);
  return made;
}

afterEach(async () => {
  await closeTransports();
  await Promise.all(folders.splice(0).map((path) => rm(path, { recursive: true })));
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
