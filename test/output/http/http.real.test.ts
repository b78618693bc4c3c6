import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventView } from '../../../src/event/event-view.ts';
import { createHttpOutput } from '../../../src/output/http/http.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { Output, SendResult } from '../../../src/output/output.ts';
import { BatchBuilder } from '../../../src/pipeline/batch.ts';
import { freePort } from '../../support/free-port.ts';
import { runScript } from '../../support/run-script.ts';
import { shared } from '../../support/shared.ts';
import { linesOf } from '../../support/witness.ts';
import { wholePart } from '../support/batch.ts';
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
});

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
    const query = '_time_field=stageTimestamp&_msg_field=requestURI&_stream_fields=verb';
    expect(await send({ url: `${server}/insert/jsonline?${query}` }, lines)).toEqual([]);
    let count = 0;
    for (let waits = 0; count < lines.length && waits < 100; waits += 1) {
      await sleep(100);
      const answer = await request(`${server}/select/logsql/query?query=*%20%7C%20stats%20count()%20n`);
      count = Number((/"n":"(\d+)"/.exec(await answer.body.text()) ?? [])[1] ?? 0);
    }
    expect(count).toBe(lines.length);
  });
});

/** It drops without a word what is older than its retention. */
function recent(line: Buffer): Buffer {
  const now = new Date().toISOString().replace('Z', '000Z');
  return Buffer.from(line.toString('latin1').replace(/("stageTimestamp":)"[^"]*"/, `$1"${now}"`), 'latin1');
}
