import { gzipSync } from 'node:zlib';
import snappy from 'snappyjs';
import { expect, onTestFinished, test } from 'vitest';
import { contentId } from '../../src/demo/content.ts';
import type { Endpoint } from '../../src/demo/endpoint.ts';
import { type Receiver, startReceiver } from '../../src/demo/receiver.ts';

const NDJSON = { 'content-type': 'application/x-ndjson' };

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  onTestFinished(() => started.close());
  return started;
}

function event(number: number): string {
  return `{"kind":"Event","auditID":"${number}"}`;
}

function bulk(...numbers: number[]): string {
  return numbers.map((n) => `{"create":{"_index":"audit","_id":"id${n}"}}\n${event(n)}\n`).join('');
}

function post(url: string, body: string | Buffer, headers: Record<string, string> = NDJSON): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: typeof body === 'string' ? body : new Uint8Array(body) });
}

function postBulk(endpoint: Endpoint, body: string | Buffer, headers?: Record<string, string>): Promise<Response> {
  return post(`${endpoint.url}/_bulk`, body, headers);
}

async function statuses(reply: Response): Promise<number[]> {
  const { items } = (await reply.json()) as { items: { create: { status: number } }[] };
  return items.map(({ create }) => create.status);
}

test('Elasticsearch stores each id once and answers 409 for what is there', async () => {
  const { elasticsearch } = await receiver();
  expect(await statuses(await postBulk(elasticsearch, bulk(1, 2)))).toEqual([201, 201]);
  expect(await statuses(await postBulk(elasticsearch, bulk(2, 3)))).toEqual([409, 201]);
  expect(elasticsearch.tally).toMatchObject({ stored: 3, distinct: 3, repeated: 0 });
  expect(elasticsearch.conflicts).toBe(1);
});

test('an id is known only within its index', async () => {
  const { elasticsearch } = await receiver();
  await postBulk(elasticsearch, bulk(1));
  expect(await statuses(await postBulk(elasticsearch, bulk(1).replace('"audit"', '"other"')))).toEqual([201]);
  expect(elasticsearch.tally.repeated).toBe(1);
});

test.each([
  ['without a newline at its end', bulk(1).trimEnd()],
  ['with an action that is no create', bulk(1).replace('create', 'index')],
  ['with an action without a document', bulk(1) + '{"create":{"_index":"a"}}\n'],
  ['with a broken action', '{"create":\n{}\n'],
])('a bulk request %s is refused as a whole', async (_, body) => {
  const { elasticsearch } = await receiver();
  expect((await postBulk(elasticsearch, body)).status).toBe(400);
  expect(elasticsearch.tally.stored).toBe(0);
});

test('Loki takes protobuf with snappy and answers 204; copies are counted', async () => {
  const { loki } = await receiver();
  const line = event(1);
  const entry = Buffer.concat([Buffer.of(0x12, line.length), Buffer.from(line)]);
  const stream = Buffer.concat([Buffer.of(0x12, entry.length), entry]);
  const body = Buffer.from(snappy.compress(Buffer.concat([Buffer.of(0x0a, stream.length), stream])));
  const headers = { 'content-type': 'application/x-protobuf' };
  expect((await post(`${loki.url}/loki/api/v1/push`, body, headers)).status).toBe(204);
  expect((await post(`${loki.url}/loki/api/v1/push`, body, headers)).status).toBe(204);
  expect(loki.tally).toMatchObject({ stored: 2, distinct: 1, repeated: 1 });
  expect((await post(`${loki.url}/loki/api/v1/push`, 'nonsense', headers)).status).toBe(400);
});

test.each([
  ['lines', NDJSON, `${event(1)}\n${event(2)}\n`],
  ['an array', { 'content-type': 'application/json' }, `[${event(1)},${event(2)}]`],
  [
    'an EventList',
    { 'content-type': 'application/json' },
    `{"kind":"EventList","metadata":{},"items":[${event(1)},${event(2)}]}`,
  ],
])('HTTP takes %s, plain or with gzip', async (_, headers, body) => {
  const { http } = await receiver();
  expect((await post(http.url, body, headers)).status).toBe(200);
  expect((await post(http.url, gzipSync(body), { ...headers, 'content-encoding': 'gzip' })).status).toBe(200);
  expect(http.tally).toMatchObject({ stored: 4, distinct: 2 });
  expect(http.tally.has(event(2))).toBe(true);
});

test('the tally names what is missing and what nobody wrote', async () => {
  const { http } = await receiver();
  await post(http.url, `${event(1)}\n${event(9)}\n`);
  const written = new Set([1, 2].map((number) => contentId(Buffer.from(event(number)))));
  expect(http.tally.against(written)).toEqual({
    missing: [contentId(Buffer.from(event(2)))],
    foreign: [contentId(Buffer.from(event(9)))],
    repeated: 0,
  });
});

test('a refusal happens as often as it was asked for, and stores nothing', async () => {
  const { elasticsearch } = await receiver();
  const refusal = elasticsearch.refuse(503, { 'retry-after': '2' }).times(2);
  const replies = [];
  for (let n = 0; n < 3; n += 1) replies.push(await postBulk(elasticsearch, bulk(1)));
  expect(replies.map(({ status }) => status)).toEqual([503, 503, 200]);
  expect(replies[0]?.headers.get('retry-after')).toBe('2');
  expect(refusal.happened).toBe(2);
  expect(elasticsearch.tally.stored).toBe(1);
  expect(elasticsearch.requests.map(({ status }) => status)).toEqual([503, 503, 200]);
});

test('a fault can be tied to an event, and ends when the endpoint heals', async () => {
  const { http } = await receiver();
  http.refuseWithHtml(413).whereAnEvent((bytes) => bytes.includes('"7"'));
  expect((await post(http.url, `${event(1)}\n`)).status).toBe(200);
  const refused = await post(http.url, `${event(1)}\n${event(7)}\n`);
  expect([refused.status, await refused.text()]).toEqual([413, expect.stringContaining('<html>')]);
  http.heal();
  expect((await post(http.url, `${event(7)}\n`)).status).toBe(200);
});

test('single items are refused by what is in them', async () => {
  const { elasticsearch } = await receiver();
  elasticsearch.reject((bytes) => bytes.includes('"2"'));
  expect(await statuses(await postBulk(elasticsearch, bulk(1, 2, 3)))).toEqual([201, 400, 201]);
  expect(elasticsearch.tally.has(event(2))).toBe(false);
});

test('a lost answer leaves the events stored; a reset and nonsense do not', async () => {
  const { http } = await receiver();
  http.loseAnswer().once();
  await expect(post(http.url, `${event(1)}\n`)).rejects.toThrow();
  expect(http.tally.distinct).toBe(1);
  http.reset().once();
  await expect(post(http.url, `${event(2)}\n`)).rejects.toThrow();
  http.answerNonsense().once();
  expect(await (await post(http.url, `${event(3)}\n`)).text()).toBe('OK');
  expect(http.tally.distinct).toBe(1);
});

test('a hanging endpoint gives no answer, a slow one gives it late', async () => {
  const { http } = await receiver();
  http.hang().once();
  const signal = AbortSignal.timeout(50);
  await expect(fetch(http.url, { method: 'POST', headers: NDJSON, body: event(1), signal })).rejects.toThrow();
  http.slow(1).once();
  expect((await post(http.url, `${event(1)}\n`)).status).toBe(200);
});

test('it can be taken for a server that is asked who it is', async () => {
  const { elasticsearch } = await receiver();
  const root = (await (await fetch(elasticsearch.url)).json()) as { version: { number: string } };
  expect(root.version.number).toMatch(/^8\./);
  expect((await fetch(`${elasticsearch.url}/ready`)).status).toBe(200);
  expect((await fetch(`${elasticsearch.url}/nothing`)).status).toBe(404);
});
