import { readdirSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until } from '../../pipeline/pipeline-harness.ts';
import { descriptorsBelow } from '../../log/support/followed-log.ts';
import { client, eventList, listening, serverFiles, TLS } from './webhook-harness.ts';

const TLS_FILES = { cert: join(TLS, 'server.pem'), key: join(TLS, 'server.key') };
const MUTUAL = { tls: { ...TLS_FILES, clientCA: join(TLS, 'ca.pem') } };

function lines(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `id-${from + at}`);
}

function idsIn(text: string): string[] {
  return [...text.matchAll(/"auditID":"([^"]*)"/g)].map((match) => match[1] as string);
}

const QUICK = { refreshMs: 10, headMs: 5000 };

describe('a webhook source', () => {
  it('answers 200 when the events stand in the spool as the log backend would have written them', async () => {
    const { post, read } = await listening();
    expect(await post(eventList(1, 2))).toMatchObject({ status: 200, text: '' });
    const text = await read();
    expect(text.split('\n')[0]).toBe(
      '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-1","stage":"ResponseComplete","filler":""}',
    );
    expect(idsIn(text)).toEqual(lines(1, 2));
  });

  it('takes an empty list', async () => {
    const { post, read } = await listening();
    expect(await post(eventList(1, 0))).toMatchObject({ status: 200 });
    expect(await read()).toBe('');
  });

  it.each([
    ['GET', {}, 405],
    ['PUT', {}, 405],
    ['POST', { 'content-encoding': 'gzip' }, 415],
  ])('refuses %s %j with %i', async (method, headers, status) => {
    const { post, said } = await listening();
    expect(await post(eventList(1, 1), { method, headers })).toMatchObject({ status });
    expect(said).toContain(`webhook-${status}`);
  });

  it('refuses what is no EventList, and says why', async () => {
    const { post, read, said } = await listening();
    const reply = await post('{"kind":"Event"}');
    expect(reply).toMatchObject({ status: 400, text: expect.stringContaining('no EventList') });
    expect(said).toContain('webhook-malformed');
    expect(await read()).toBe('');
  });

  it('asks for the token that is configured', async () => {
    const { post, said } = await listening({ bearer: 'let-me-in' });
    expect(await post(eventList(1, 1))).toMatchObject({ status: 401 });
    expect(await post(eventList(1, 1), { headers: { authorization: 'Bearer let-me' } })).toMatchObject({ status: 401 });
    expect(await post(eventList(1, 1), { headers: { authorization: 'Bearer let-me-in' } })).toMatchObject({
      status: 200,
    });
    expect(said).toContain('webhook-401');
  });

  it('lets only clients in that the authority signed', async () => {
    const { post, said } = await listening(MUTUAL);
    expect(await post(eventList(1, 1))).toMatchObject({ status: 200 });
    await expect(post(eventList(2, 1), { tls: client(null) })).rejects.toThrow();
    await until(() => said.includes('webhook-handshake'));
  });

  it('lets only clients in that are named, where names are given', async () => {
    const { post } = await listening({ tls: { ...MUTUAL.tls, clients: ['client one'] } });
    expect(await post(eventList(1, 1))).toMatchObject({ status: 200 });
    expect(await post(eventList(1, 1), { tls: client('two') })).toMatchObject({ status: 403 });
  });

  it('uses a certificate that was renewed, and keeps the one it has while half of a renewal is there', async () => {
    const files = serverFiles();
    files.put('wrong-name');
    const { post, said } = await listening({ tls: { cert: files.cert, key: files.key } }, undefined, QUICK);
    await expect(post(eventList(1, 1))).rejects.toThrow();
    files.put('server');
    await until(() => said.includes('renewed'));
    expect(await post(eventList(1, 1))).toMatchObject({ status: 200 });
  });

  it('is not started with files that do not fit together', async () => {
    const { failure } = await listening({ tls: { ...TLS_FILES, key: join(TLS, 'client-one.key') } });
    expect(failure()).toMatchObject({ code: 'AUD_SECRET' });
  });

  it('says that another program listens there', async () => {
    const first = await listening();
    const second = await listening({ listen: `127.0.0.1:${first.port}` });
    await until(() => second.failure() !== null);
    expect(second.failure()).toMatchObject({ code: 'AUD_LISTEN' });
    await second.source.log.close();
    expect(descriptorsBelow(second.stateDirectory)).toBe(0);
    expect(readdirSync(join(second.stateDirectory, 'spool/hook'))).toEqual([]);
  });

  it('takes no body that is too large, announced or not, and goes on', async () => {
    const { post, read, said } = await listening({ maxBodyBytes: '1Mi' });
    const large = eventList(1, 1, 2_000_000);
    expect(await post(large)).toMatchObject({ status: 413 });
    expect(await post(large, { headers: { 'transfer-encoding': 'chunked' } })).toMatchObject({ status: 413 });
    expect(said).toContain('webhook-too-large');
    expect(await post(eventList(2, 1))).toMatchObject({ status: 200 });
    expect(idsIn(await read())).toEqual(['id-2']);
  });

  it('answers 503 while the spool is full, and takes more when something was settled', async () => {
    const { post, read, said } = await listening({ spool: { maxBytes: '1Mi' } });
    let sent = 0;
    let last = await post(eventList(sent, 1, 60_000));
    while (last.status === 200) last = await post(eventList(++sent, 1, 60_000));
    expect(last).toMatchObject({ status: 503, retryAfter: '1' });
    expect(said).toContain('spool-full');
    expect(idsIn(await read())).toEqual(lines(0, sent));
    expect(await post(eventList(sent, 1, 60_000))).toMatchObject({ status: 200 });
  });

  it('answers what is on the way when it ends, and takes nothing new', async () => {
    const { open, end, stateDirectory, post } = await listening();
    const body = eventList(1, 1);
    const socket = await open();
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    const head = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;
    socket.write(head + body.slice(0, 10));
    await post(eventList(2, 1));
    const ended = end();
    await sleep(20);
    await expect(post(eventList(3, 1))).rejects.toThrow();
    socket.write(body.slice(10));
    await ended;
    await until(() => answer.startsWith('HTTP/1.1 200'));
    const again = await listening({}, stateDirectory);
    expect(idsIn(await again.read())).toEqual(['id-2', 'id-1']);
  });

  it('keeps connections open between posts', async () => {
    const { post, source } = await listening();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let id = 0; id < 3; id += 1) expect(await post(eventList(id, 1), { agent })).toMatchObject({ status: 200 });
    agent.destroy();
    expect(source.status().anomalies).not.toHaveProperty('webhook-cut-off');
  });

  it('leaves no empty file behind', async () => {
    const { post, read, end, stateDirectory } = await listening();
    await post(eventList(1, 1));
    await end();
    await read();
    expect(readdirSync(join(stateDirectory, 'spool/hook'))).toEqual([]);
  });
});
