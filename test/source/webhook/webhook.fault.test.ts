import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until } from '../../pipeline/pipeline-harness.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { eventList, listening } from './webhook-harness.ts';

function idsIn(text: string): string[] {
  return [...text.matchAll(/"auditID":"([^"]*)"/g)].map((match) => match[1] as string);
}

/** An authority, and two certificates by it for one key: one that has expired and one that is good. */
function certificates() {
  const directory = temporaryDirectory();
  const script = `
    set -e
    cd "$0"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=auditail -keyout tls.key -out tls.csr
    echo subjectAltName=IP:127.0.0.1 > names
    openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 2 -out renewed.pem
    openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 0 -out expired.pem
    sleep 1`;
  try {
    execFileSync('sh', ['-c', script, directory], { stdio: 'ignore' });
  } catch {
    // There is no openssl, or an old one: the test is skipped, and says so.
    return null;
  }
  const cert = join(directory, 'tls.pem');
  return {
    cert,
    key: join(directory, 'tls.key'),
    authority: readFileSync(join(directory, 'ca.pem')),
    use: (name: 'expired' | 'renewed') => copyFileSync(join(directory, `${name}.pem`), cert),
  };
}

const QUICK = { refreshMs: 10, headMs: 5000 };

describe('a webhook source under stress', () => {
  it('stores 95 posts that come slowly and at once', async () => {
    const { open, read } = await listening();
    const bodies = Array.from({ length: 95 }, (_, at) => eventList(at * 10, 10));
    const sockets = await Promise.all(bodies.map(() => open()));
    const answers = sockets.map((socket) => {
      socket.setEncoding('latin1');
      return new Promise<string>((resolve) => socket.once('data', resolve));
    });
    for (const [at, socket] of sockets.entries())
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${(bodies[at] as string).length}\r\n\r\n`);
    for (let part = 0; part < 5; part += 1) {
      for (const [at, socket] of sockets.entries()) {
        const body = bodies[at] as string;
        const step = Math.ceil(body.length / 5);
        socket.write(body.slice(part * step, (part + 1) * step));
      }
      await sleep(10);
    }
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1.1 200/);
    expect(new Set(idsIn(await read())).size).toBe(950);
  });

  it('stores nothing of a post that is cut off half-way, and says so', async () => {
    const { open, read, said, post } = await listening();
    const body = eventList(1, 50);
    const socket = await open();
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 2000)}`);
    await sleep(20);
    socket.destroy();
    await until(() => said.includes('webhook-cut-off'));
    expect(await post(eventList(100, 1))).toMatchObject({ status: 200 });
    expect(idsIn(await read())).toEqual(['id-100']);
  });

  it('takes a body of 40 MB', async () => {
    const { post, read } = await listening();
    expect(await post(eventList(1, 1, 40_000_000))).toMatchObject({ status: 200 });
    const text = await read();
    expect(text.length).toBeGreaterThan(40_000_000);
    expect(idsIn(text.slice(0, 200))).toEqual(['id-1']);
  });

  it('refuses bodies beyond what may be held at a time, and takes them once there is room', async () => {
    const { open, post } = await listening({ maxBodyBytes: '1Mi' });
    const body = eventList(1, 1, 1_000_000);
    const sockets = await Promise.all([open(), open()]);
    for (const socket of sockets)
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, -10)}`);
    await sleep(100);
    expect(await post(body)).toMatchObject({ status: 429, retryAfter: '1' });
    for (const socket of sockets) socket.destroy();
    await sleep(50);
    expect(await post(body)).toMatchObject({ status: 200 });
  });

  it('is reached again when an expired certificate has been renewed', async (context) => {
    const made = certificates();
    if (made === null) return context.skip('there is no openssl');
    made.use('expired');
    const { post, said } = await listening({ tls: { cert: made.cert, key: made.key } }, undefined, QUICK);
    const tls = { ca: made.authority };
    await expect(post(eventList(1, 1), { tls })).rejects.toThrow(/expired/);
    made.use('renewed');
    await until(() => said.includes('renewed'));
    expect(await post(eventList(1, 1), { tls })).toMatchObject({ status: 200 });
  });

  it('ends a connection whose request head never ends, and answers others meanwhile', async () => {
    const { open, post } = await listening({}, undefined, { refreshMs: 5000, headMs: 200 });
    const slow = await open();
    slow.write('POST / HTTP/1.1\r\nhost: x\r\nx-slow: ');
    expect(await post(eventList(1, 1))).toMatchObject({ status: 200 });
    let answer = '';
    slow.setEncoding('latin1').on('data', (text: string) => (answer += text));
    await new Promise((resolve) => slow.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1.1 408/);
  });

  it('lets nobody keep others out by connections that say nothing', async () => {
    const { open, post, said } = await listening();
    for (let round = 0; round < 6; round += 1) await Promise.all(Array.from({ length: 60 }, () => open()));
    await until(() => said.includes('webhook-flood'));
    expect(await post(eventList(1, 1))).toMatchObject({ status: 200 });
  });

  it('cuts off what was half written when it was killed, and keeps what was whole', async () => {
    const stateDirectory = temporaryDirectory();
    mkdirSync(join(stateDirectory, 'spool/hook'), { recursive: true });
    const file = join(stateDirectory, 'spool/hook/audit.log');
    writeFileSync(file, '{"kind":"Event","auditID":"id-1"}\n{"kind":"Event","auditID":"id-2"}\n');
    truncateSync(file, 60);
    const { read, said, post } = await listening({}, stateDirectory);
    expect(said).toContain('torn');
    await post(eventList(2, 1));
    expect(idsIn(await read())).toEqual(['id-1', 'id-2']);
  });
});
