import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventView } from '../../../src/event/event-view.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import { createLokiOutput } from '../../../src/output/loki/loki.ts';
import type { Output, SendResult } from '../../../src/output/output.ts';
import { documented } from '../../support/documented.ts';
import { linesOf } from '../../support/witness.ts';
import { auditLine } from '../support/batch.ts';
import { encoded, lokiConfig, whole } from './push-support.ts';

/** The folder of real servers and recorded events. */
const SHARED = resolve(process.env['AUDITAIL_SHARED'] ?? join(import.meta.dirname, '../../../../shared'));
const SERVER = join(SHARED, 'servers/loki');
const there = existsSync(join(SERVER, 'up.sh'));
if (!there) process.stderr.write(`skipped: there is no real Loki below ${SHARED}; AUDITAIL_SHARED names its folder\n`);

const HOUR = 3_600_000;
const { signal } = new AbortController();

/** Starts a Loki of its own on this port, with more limits, before the tests of a block, and stops it behind them. */
function realLoki(port: number, settings: Readonly<Record<string, string>>): string {
  let directory = '';
  function script(name: string): void {
    const state = { LOKI_PORT: String(port), SINK_STATE: join(directory, 'state') };
    // What the server leaves running must not hold our pipes open.
    execFileSync('bash', [join(SERVER, name)], { env: { ...process.env, ...state, ...settings }, stdio: 'ignore' });
  }
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'auditail-loki-'));
    script('up.sh');
  });
  afterAll(() => {
    script('down.sh');
    rmSync(directory, { recursive: true });
  });
  return `http://127.0.0.1:${port}`;
}

function outputTo(url: string, settings: Readonly<Record<string, unknown>> = {}): Output {
  const config = lokiConfig({ url, ...settings });
  return createLokiOutput(config, {}, createTransport(config, { userAgent: 'auditail/test', environment: {} }));
}

/** Sends again as long as it is told to wait: the tests before have used some of the rate. */
async function untilNotBusy(act: () => Promise<SendResult>): Promise<SendResult> {
  let result = await act();
  for (let attempt = 0; result.again[0]?.how === 'retry' && attempt < 20; attempt += 1) {
    await new Promise((done) => setTimeout(done, result.again[0]?.retryAfterMs));
    result = await act();
  }
  return result;
}

let serial = 0;

/** As an API server writes it. */
function now(): string {
  return new Date().toISOString().replace('Z', '123Z');
}

/** An event of so many milliseconds before now. */
function ago(ms: number, more: Readonly<Record<string, unknown>> = {}): string {
  serial += 1;
  const stageTimestamp = new Date(Date.now() - ms).toISOString().replace('Z', '123Z');
  return auditLine({ auditID: `real-${serial}`, stageTimestamp, ...more });
}

/** Sends events into a stream of their own; items stand for their place. */
async function send(url: string, job: string, lines: readonly (string | Buffer)[], settings = {}) {
  const output = outputTo(url, { labels: { job }, ...settings });
  const result = await output.send(whole(encoded(output, lines).batch), signal);
  await output.close();
  return summary(result);
}

function summary({ rejected, again }: SendResult) {
  return {
    rejected: rejected.map(({ item, reason, outcome }) => [item, reason, outcome]),
    again: again.map(({ how, items, reason }) => [how, items, reason]),
  };
}

const STORED = { rejected: [], again: [] };

interface Stored {
  readonly labels: Readonly<Record<string, string>>;
  readonly timeNs: string;
  readonly line: string;
}

/** All lines of a job that the server gives back, oldest first. */
async function query(url: string, job: string, tenant = 'fake'): Promise<Stored[]> {
  const from = `${Date.now() - 200 * HOUR}000000`;
  const end = `${Date.now() + HOUR}000000`;
  const search = new URLSearchParams({
    query: `{job="${job}"}`,
    start: from,
    end,
    limit: '5000',
    direction: 'forward',
  });
  const reply = await fetch(`${url}/loki/api/v1/query_range?${search}`, { headers: { 'x-scope-orgid': tenant } });
  const body = (await reply.json()) as {
    data: { result: { stream: Record<string, string>; values: [string, string][] }[] };
  };
  return body.data.result
    .flatMap(({ stream, values }) => values.map(([timeNs, line]) => ({ labels: stream, timeNs, line })))
    .sort((a, b) => (BigInt(a.timeNs) < BigInt(b.timeNs) ? -1 : 1));
}

describe.skipIf(!there)('a real Loki', () => {
  const url = realLoki(3161, {});

  it('gives back every real event byte for byte, with its time and its metadata', async () => {
    const recorded = readFileSync(join(SHARED, 'corpus/sample.log'), 'utf8').split('\n').slice(0, -1);
    // Moved to now: the recording becomes too old.
    const lines = recorded.map((line, number) =>
      line.replace(/"stageTimestamp":"[^"]*"/, () => {
        const time = new Date(Date.now() - 60_000 + number).toISOString().replace('Z', '456Z');
        return `"stageTimestamp":"${time}"`;
      }),
    );
    expect(await send(url, 'sample', lines)).toEqual(STORED);
    const stored = await query(url, 'sample');
    expect(stored.map(({ line }) => line)).toEqual(lines);
    for (const { labels, line, timeNs } of stored) {
      const event = JSON.parse(line);
      expect(labels).toMatchObject({ audit_level: event.level, verb: event.verb, auditID: event.auditID });
      expect(labels['user']).toBe(event.user.username || undefined);
      expect(labels['name']).toBe(event.objectRef?.name);
      expect(labels['decision']).toBe(event.annotations?.['authorization.k8s.io/decision']);
      expect(timeNs.endsWith('456000')).toBe(true);
    }
  });

  it('answers what the documentation tells people to ask', async () => {
    const alice = { user: { username: 'alice' }, objectRef: { resource: 'secrets' }, responseStatus: { code: 403 } };
    expect(await send(url, 'kube-audit', [ago(1000, { ...alice, verb: 'get' })])).toEqual(STORED);
    const queries = documented('logql').join('').trim().split('\n');
    expect(queries.length).toBeGreaterThan(2);
    for (const text of queries) {
      const search = new URLSearchParams({ query: text, limit: '10' });
      const reply = await fetch(`${url}/loki/api/v1/query_range?${search}`);
      const { data } = (await reply.json()) as { data: { result: readonly unknown[] } };
      expect(data.result.length, text).toBeGreaterThan(0);
    }
  });

  it('gives back odd bytes, lone surrogates and NULs as they were, and holds no event back for them', async () => {
    const odd = linesOf(readFileSync(join(SHARED, 'corpus/odd-bytes.log'))).map((line) =>
      Buffer.from(line.toString('latin1').replace(/"stageTimestamp":"[^"]*"/, `"stageTimestamp":"${now()}"`), 'latin1'),
    );
    const escapes = ['\\ud800', '\\udc00\\ud800', '\\u0000', '\\u0001'].map((escape) =>
      Buffer.from(ago(0, { userAgent: '@' }).replace('@', escape)),
    );
    const lines = [...odd, ...escapes];
    const output = outputTo(url, { labels: { job: 'odd-bytes' } });
    const view = new EventView();
    const { batch, outcomes } = encoded(output, lines, (bytes, start, end) => {
      expect(view.read(bytes, start, end)).toBeNull();
      return view;
    });
    expect(outcomes.filter((outcome) => outcome !== null && 'reason' in outcome)).toEqual([]);
    expect(summary(await untilNotBusy(() => output.send(whole(batch), signal)))).toEqual(STORED);
    await output.close();
    const stored = (await query(url, 'odd-bytes')).map(({ line }) => line);
    expect(stored).toHaveLength(lines.length);
    // The longest stands there without its bodies.
    const asTheyWere = lines.filter((line) => line.length <= 262_144).map((line) => line.toString());
    expect(asTheyWere.length).toBeGreaterThan(escapes.length + 1);
    expect(asTheyWere.filter((line) => !stored.includes(line))).toEqual([]);
  });

  it('takes an event of six days ago in a stream that has none yet', async () => {
    expect(await send(url, 'six-days', [ago(6 * 24 * HOUR)])).toEqual(STORED);
  });

  it('has a push split that is larger than one of its parts hands on to the other', async () => {
    const output = outputTo(url, { labels: { job: 'too-large' } });
    const lines = Array.from({ length: 4400 }, (_, index) => ago(5000 - index, { requestURI: 'x'.repeat(700) }));
    const { batch } = encoded(output, lines);
    expect(batch.bytes.length).toBeGreaterThan(4_194_304);
    const result = await untilNotBusy(() => output.send(whole(batch), signal));
    expect(summary(result)).toEqual({ rejected: [], again: [['split', whole(batch).items, 'too-large']] });
    await output.close();
  });

  it('takes every label that there can be, and shows it as it was', async () => {
    const labels = { job: 'odd', '1-b/c': 'a"b\\c\nd\u0001é日' };
    expect(await send(url, 'odd', [ago(0)], { labels })).toEqual(STORED);
    const [stored] = await query(url, 'odd');
    expect(stored?.labels['_1_b_c']).toBe(labels['1-b/c']);
  });

  it('refuses what is too old, too new and too long, and keeps the rest', async () => {
    const long = ago(0, { requestURI: 'x'.repeat(262_144) });
    const lines = [ago(200 * HOUR), ago(0), long, ago(-HOUR), ago(100), ago(300 * HOUR)];
    expect(await send(url, 'mixed', lines, { maxLineBytes: '1Mi' })).toEqual({
      rejected: [
        [0, 'too-old', 'lost'],
        [2, 'line-too-long', 'deadLettered'],
        [3, 'too-new', 'deadLettered'],
        [5, 'too-old', 'lost'],
      ],
      again: [],
    });
    expect((await query(url, 'mixed')).map(({ line }) => line)).toEqual([lines[4], lines[1]]);
  });

  it('takes a line of exactly the limit, and a longer one without its response', async () => {
    const exact = ago(1000, { requestURI: '' });
    const line = exact.replace('"requestURI":""', `"requestURI":"${'x'.repeat(262_144 - exact.length)}"`);
    const longer = ago(0, { responseObject: 'x'.repeat(262_144) });
    expect(await send(url, 'limit', [line, longer])).toEqual(STORED);
    const stored = await query(url, 'limit');
    expect(stored[0]?.line).toBe(line);
    expect(JSON.parse(stored[1]?.line ?? '').annotations).toEqual({ 'auditail.io/truncated': 'responseObject' });
  });

  it('loses what is too far behind its stream, however many there are', async () => {
    expect(await send(url, 'behind', [ago(0)])).toEqual(STORED);
    const behind = Array.from({ length: 14 }, (_, index) => ago(3 * HOUR - index * 1000));
    const lines = [ago(300 * HOUR), ...behind, ago(0)];
    expect(await send(url, 'behind', lines)).toEqual({
      rejected: Array.from({ length: 15 }, (_, item) => [item, 'too-old', 'lost']),
      again: [],
    });
    expect(await query(url, 'behind')).toHaveLength(2);
  });

  it('names what it refused of one stream when another stream of the batch is fine', async () => {
    expect(await send(url, 'levels', [ago(0)])).toEqual(STORED);
    // In one push of both streams it answers 204, and the first event is gone.
    expect(await send(url, 'levels', [ago(3 * HOUR), ago(0, { level: 'Request' })])).toEqual({
      rejected: [[0, 'too-old', 'lost']],
      again: [],
    });
  });

  it('names what it refused of a stream so busy that it is dealt out to shards', async () => {
    const output = outputTo(url, { labels: { job: 'busy' } });
    const refused: unknown[] = [];
    for (let round = 0; round < 8; round += 1) {
      const busy = Array.from({ length: 1000 }, () => ago(0, { requestURI: 'x'.repeat(2000) }));
      expect(summary(await output.send(whole(encoded(output, busy).batch), signal))).toEqual(STORED);
      const late = [ago(3 * HOUR), ...Array.from({ length: 20 }, () => ago(0))];
      refused.push(summary(await output.send(whole(encoded(output, late).batch), signal)));
      await new Promise((done) => setTimeout(done, 700));
    }
    await output.close();
    expect(refused).toEqual(Array.from({ length: 8 }, () => ({ rejected: [[0, 'too-old', 'lost']], again: [] })));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(Number(/^loki_stream_sharding_count (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  });

  it('holds where the labels are at fault', async () => {
    expect(await send(url, 'x'.repeat(2049), [ago(0)])).toEqual({ rejected: [], again: [['hold', [0], 'labels']] });
    const labels = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`label_${index}`, 'x']));
    expect(await send(url, '', [ago(0)], { labels })).toEqual({ rejected: [], again: [['hold', [0], 'labels']] });
    const long = { job: 'a', ['x'.repeat(1025)]: 'y' };
    expect(await send(url, '', [ago(0)], { labels: long })).toEqual({ rejected: [], again: [['hold', [0], 'labels']] });
  });

  it('takes the largest push that we make', async () => {
    const output = outputTo(url, { labels: { job: 'large' } });
    const lines = Array.from({ length: 5000 }, (_, index) => ago(5000 - index, { requestURI: 'x'.repeat(500) }));
    const { batch } = encoded(output, lines);
    const items = whole(batch).items.filter((item) => batch.itemEnd(item) <= output.maxBatchBytes);
    expect(batch.itemEnd(items.at(-1) as number)).toBeGreaterThan(output.maxBatchBytes - 2000);
    expect(summary(await untilNotBusy(() => output.send({ batch, items }, signal)))).toEqual(STORED);
    await output.close();
  });

  it('is found well by the probe, which writes nothing', async () => {
    const output = outputTo(url, { labels: { job: 'probe' } });
    expect(await output.probe(signal)).toEqual([
      { level: 'ok', text: expect.stringMatching(/^Loki \d+\.\d+\.\d+ answers\.$/) },
      { level: 'ok', text: 'Pushes are accepted with these credentials.' },
      { level: 'warning', text: expect.stringContaining('shard_streams'), hint: expect.stringContaining('false') },
      {
        level: 'ok',
        text: 'It takes lines of up to 256KB, events of up to 1w ago, and 4 MB a second, 3MB of them in a stream.',
      },
    ]);
    await output.close();
  });
});

describe.skipIf(!there)('a real Loki with small limits', () => {
  const limits = [
    'ingestion_rate_mb: 0.1',
    'ingestion_burst_size_mb: 0.2',
    'per_stream_rate_limit: 2KB',
    'per_stream_rate_limit_burst: 4KB',
    'max_global_streams_per_user: 3',
    'max_structured_metadata_size: 100',
  ];
  const url = realLoki(3162, { LOKI_LIMITS: limits.map((line) => `  ${line}`).join('\n') });

  it('has what is over its rate waited for or split', async () => {
    const small = Array.from({ length: 3 }, (_, index) => ago(index));
    expect(await send(url, 'rate', small)).toEqual(STORED);
    const more = Array.from({ length: 30 }, () => ago(0));
    const all = more.map((_, item) => item);
    expect(await send(url, 'rate', more)).toEqual({ rejected: [], again: [['split', all, 'stream-rate-limit']] });
    expect(await query(url, 'rate')).toHaveLength(3);
    const large = Array.from({ length: 300 }, () => ago(0, { requestURI: 'x'.repeat(1000) }));
    expect((await send(url, 'rate', large)).again).toMatchObject([['split', expect.anything(), 'rate-limit']]);
  });

  it('sets aside too much structured metadata', async () => {
    const auditID = 'x'.repeat(100);
    expect(await send(url, 'metadata', [ago(0), ago(0, { auditID })])).toEqual({
      rejected: [[1, 'metadata-too-large', 'deadLettered']],
      again: [],
    });
  });

  it('holds when it takes no more streams', async () => {
    const results = [];
    for (const job of ['s1', 's2', 's3', 's4']) results.push(await send(url, job, [ago(0)]));
    expect(results.at(-1)).toEqual({ rejected: [], again: [['hold', [0], 'stream-limit']] });
  });
});

describe.skipIf(!there)('a real Loki with tenants, without structured metadata', () => {
  const url = realLoki(3163, { LOKI_AUTH: 'true', LOKI_LIMITS: '  max_structured_metadata_entries_count: 2' });

  it('wants a tenant', async () => {
    expect(await send(url, 'job', [ago(0)])).toEqual({ rejected: [], again: [['hold', [0], 'http-401']] });
    const output = outputTo(url);
    const findings = await output.probe(signal);
    await output.close();
    expect(findings.find(({ level }) => level === 'error')).toEqual({
      level: 'error',
      text: 'Loki wants a tenant (401 no org id).',
      hint: 'Set tenant.',
    });
  });

  it('holds where its limit is below what every event carries', async () => {
    expect(await send(url, 'job', [ago(0), ago(0)], { tenant: 'a' })).toEqual({
      rejected: [],
      again: [['hold', [0, 1], 'metadata-limit']],
    });
  });
});
