import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventView } from '../../../src/event/event-view.ts';
import { createElasticsearchOutput } from '../../../src/output/elasticsearch/elasticsearch.ts';
import { createHttpOutput } from '../../../src/output/http/http.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { Finding, Output, SendResult } from '../../../src/output/output.ts';
import { BatchBuilder } from '../../../src/pipeline/batch.ts';
import { freePort } from '../../support/free-port.ts';
import { REPOSITORY } from '../../support/source-files.ts';
import { runScript } from '../../support/run-script.ts';
import { shared } from '../../support/shared.ts';
import { linesOf } from '../../support/witness.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';

const FOREVER = new AbortController().signal;
const SAMPLE = shared('corpus/sample.log');
const ODD = shared('corpus/odd-bytes.log');

function absent(folder: string): string {
  const there = shared(`servers/${folder}`) !== undefined && SAMPLE !== undefined && ODD !== undefined;
  return there ? '' : ` (skipped: there is no ${folder} or no recorded trail in AUDITAIL_SHARED)`;
}

/** Sends the lines in batches of a megabyte; what came of those that were not simply taken. */
async function send(settings: Readonly<Record<string, unknown>>, lines: readonly Buffer[]): Promise<SendResult[]> {
  const config = outputConfig('http', settings);
  const output = createHttpOutput(config, {}, createTransport(config, { userAgent: 'auditail/test', environment: {} }));
  const results: SendResult[] = [];
  try {
    for (let from = 0; from < lines.length; ) {
      const builder = new BatchBuilder(2 ** 20);
      for (; from < lines.length && builder.length < 2 ** 20; from += 1) encode(output, lines[from] as Buffer, builder);
      const batch = builder.seal('0'.repeat(32), 'kube', { segment: 's', from: 0, to: from });
      results.push(await output.send(wholePart(batch), FOREVER));
    }
  } finally {
    await output.close();
  }
  return results.filter((result) => result.rejected.length + result.again.length > 0);
}

function encode(output: Output, line: Buffer, builder: BatchBuilder): void {
  const view = new EventView();
  expect(view.read(line, 0, line.length)).toBeNull();
  const start = builder.length;
  output.encode(view, { bytes: line, start: 0, end: line.length }, builder);
  builder.add(start, 0);
}

describe.skipIf(absent('otelcol') !== '')(`a real OpenTelemetry Collector${absent('otelcol')}`, () => {
  let env: NodeJS.ProcessEnv;
  let url = '';
  beforeAll(async () => {
    const port = await freePort();
    env = { ...process.env, SINK_STATE: mkdtempSync(join(tmpdir(), 'auditail-otelcol-')), OTEL_PORT: `${port}` };
    url = `http://127.0.0.1:${port}/v1/logs`;
    await runScript(join(shared('servers/otelcol') ?? '', 'up.sh'), [], env);
  });
  afterAll(() => runScript(join(shared('servers/otelcol') ?? '', 'down.sh'), [], env));

  it.each([
    ['recorded events', SAMPLE],
    ['events with bytes that are no UTF-8', ODD],
  ])('takes %s as OTLP, each as it is', async (_, file) => {
    const view = new EventView();
    const lines = linesOf(readFileSync(file ?? '')).filter((line) => view.read(line, 0, line.length) === null);
    const before = bodies(env).length;
    expect(await send({ url, format: 'otlp', compression: 'gzip' }, lines)).toEqual([]);
    for (let waits = 0; bodies(env).length < before + lines.length && waits < 100; waits += 1) await sleep(100);
    const taken = bodies(env).slice(before);
    expect(taken).toHaveLength(lines.length);
    const valid = lines.map((line) => line.toString()).filter((text) => !text.includes('\ufffd'));
    expect(valid.filter((text) => !taken.includes(text))).toEqual([]);
  });

  it('holds where the path is wrong, and looks for the event where a request is too large', async () => {
    const lines = linesOf(readFileSync(SAMPLE ?? '')).slice(0, 2);
    const wrong = await send({ url: url.replace('/v1/logs', '/v1/log'), format: 'otlp' }, lines);
    expect(wrong).toMatchObject([{ rejected: [], again: [{ how: 'hold', status: 404, items: [0, 1] }] }]);
    // It does not say 413.
    const large = Buffer.from(auditLine({ requestURI: 'x'.repeat(25_000_000) }));
    expect(await send({ url, format: 'otlp' }, [large])).toMatchObject([
      { rejected: [], again: [{ how: 'suspect', status: 400, items: [0] }] },
    ]);
  });

  it('says in the probe whether it takes OTLP, and what is wrong where it does not', async () => {
    expect(await probed({ url, format: 'otlp' })).toEqual([{ level: 'ok', text: 'It takes OTLP over HTTP, as JSON.' }]);
    expect(await probed({ url: url.replace('/v1/logs', ''), format: 'otlp' })).toMatchObject([
      { level: 'error', text: expect.stringContaining('404'), hint: expect.stringContaining('/v1/logs') },
    ]);
  });
});

async function probed(settings: Readonly<Record<string, unknown>>): Promise<readonly Finding[]> {
  const config = outputConfig('http', settings);
  const output = createHttpOutput(config, {}, createTransport(config, { userAgent: 'auditail/test', environment: {} }));
  try {
    return await output.probe(FOREVER);
  } finally {
    await output.close();
  }
}

/** The bodies of all records that the collector wrote to its file. */
function bodies(env: NodeJS.ProcessEnv): readonly string[] {
  interface Line {
    resourceLogs: { scopeLogs: { logRecords: { body: { stringValue: string } }[] }[] }[];
  }
  return linesOf(readFileSync(join(env['SINK_STATE'] ?? '', 'out.jsonl'))).flatMap((line) =>
    (JSON.parse(line.toString()) as Line).resourceLogs.flatMap(({ scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) => logRecords.map(({ body }) => body.stringValue)),
    ),
  );
}

/** As docs/outputs.md has it. */
const WAY_IN = '_time_field=stageTimestamp&_msg_field=requestURI&_stream_fields=verb';

describe.skipIf(absent('victorialogs') !== '')(`a real VictoriaLogs${absent('victorialogs')}`, () => {
  let env: NodeJS.ProcessEnv;
  let server = '';
  beforeAll(async () => {
    const port = await freePort();
    env = { ...process.env, SINK_STATE: mkdtempSync(join(tmpdir(), 'auditail-vl-')), VL_PORT: `${port}` };
    server = `http://127.0.0.1:${port}`;
    await runScript(join(shared('servers/victorialogs') ?? '', 'up.sh'), [], env);
  });
  afterAll(() => runScript(join(shared('servers/victorialogs') ?? '', 'down.sh'), [], env));

  it('takes recorded events as newline-delimited JSON', async () => {
    const lines = linesOf(readFileSync(SAMPLE ?? '')).map(recent);
    expect(await send({ url: `${server}/insert/jsonline?${WAY_IN}` }, lines)).toEqual([]);
    expect(await counted(lines.length, '*')).toBe(lines.length);
    const page = readFileSync(join(REPOSITORY, 'docs/outputs.md'), 'utf8');
    const query = /Query: `([^`]+)`/.exec(page)?.[1] ?? 'there is none in the documentation';
    const meant = lines.filter((line) => {
      const { verb, objectRef } = JSON.parse(line.toString()) as { verb: string; objectRef?: { resource?: string } };
      return verb === 'delete' && objectRef?.resource === 'secrets';
    });
    expect(meant.length).toBeGreaterThan(0);
    expect(await counted(meant.length, query)).toBe(meant.length);
  });

  /** How many events it finds, once there are as many as `expected` or a while has passed. */
  async function counted(expected: number, query: string): Promise<number> {
    let count = 0;
    for (let waits = 0; count < expected && waits < 100; waits += 1) {
      await sleep(100);
      const search = new URLSearchParams({ query: `${query} | stats count() n` });
      const answer = await request(`${server}/select/logsql/query?${search}`);
      count = Number((/"n":"(\d+)"/.exec(await answer.body.text()) ?? [])[1] ?? 0);
    }
    return count;
  }

  it('takes events through its door for Elasticsearch, and is asked again where one spoils the others', async () => {
    const settings = { url: `${server}/insert/elasticsearch`, index: 'audit' };
    const config = outputConfig('elasticsearch', settings);
    const transport = createTransport(config, { userAgent: 'auditail/test', environment: {} });
    const output = createElasticsearchOutput(config, {}, transport);
    // A line over its limit: it is lost, and so is what stands behind it; the answer is 200 and empty.
    const lines = [bulked('a'), bulked('b', `/${'x'.repeat(300_000)}`), bulked('c')];
    const batch = batchOf(output, lines);
    expect(await output.send(wholePart(batch), FOREVER)).toMatchObject({
      rejected: [],
      again: [{ how: 'suspect', items: [0, 1, 2], reason: 'short-answer' }],
    });
    expect(await output.send({ batch, items: [1] }, FOREVER)).toMatchObject({
      again: [{ how: 'suspect', items: [1] }],
    });
    expect(await output.send({ batch, items: [2] }, FOREVER)).toEqual({ rejected: [], again: [], duplicates: 0 });
    expect(await counted(1, 'auditID:c')).toBe(1);
    expect((await output.probe(FOREVER)).map(({ text }) => text).join('\n')).toContain('ignores the ids of events');
    await output.close();
  });
});

/** A line for its door for Elasticsearch. */
function bulked(auditID: string, requestURI = '/'): string {
  return recent(Buffer.from(auditLine({ auditID, requestURI }))).toString();
}

/** It drops without a word what is older than its retention. */
function recent(line: Buffer): Buffer {
  const now = new Date().toISOString().replace('Z', '000Z');
  return Buffer.from(line.toString('latin1').replace(/("stageTimestamp":)"[^"]*"/, `$1"${now}"`), 'latin1');
}
