import { describe, expect, it } from 'vitest';
import { createHttpOutput } from '../../../src/output/http/http.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { Metadata } from '../../../src/output/metadata.ts';
import type { Output, Refusal } from '../../../src/output/output.ts';
import { auditLine, batchOf, KEY, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';
import { refusingUrl, startReceiver } from '../support/receiver.ts';

const FOREVER = new AbortController().signal;

function httpTo(url: string, settings: Readonly<Record<string, unknown>> = {}, metadata: Metadata = {}): Output {
  const config = outputConfig('http', { url, ...settings });
  return createHttpOutput(config, metadata, createTransport(config, { userAgent: 'auditail/test', environment: {} }));
}

describe('the http output', () => {
  it('posts lines with the key of the batch and what the configuration adds', async () => {
    await using receiver = await startReceiver(() => ({ status: 200 }));
    const output = httpTo(`${receiver.url}/in?source=audit`, {}, { cluster: 'prod', node: 'näher dran' });
    const lines = [auditLine({ auditID: 'a' }), auditLine({ auditID: 'b' })];
    const result = await output.send(wholePart(batchOf(output, lines)), FOREVER);
    await output.close();
    expect(result).toEqual({ rejected: [], again: [], duplicates: 0 });
    expect(receiver.received).toHaveLength(1);
    expect(receiver.received[0]).toMatchObject({
      method: 'POST',
      url: '/in?source=audit',
      headers: {
        'content-type': 'application/x-ndjson',
        'idempotency-key': KEY,
        'x-auditail-cluster': 'prod',
        'x-auditail-node': 'n%C3%A4her dran',
      },
    });
    expect(receiver.received[0]?.body.toString()).toBe(`${lines.join('\n')}\n`);
  });

  it('posts what the webhook of the API server posts, packed where that is wished', async () => {
    await using receiver = await startReceiver(() => ({ status: 200 }));
    const output = httpTo(receiver.url, { format: 'eventList', compression: 'gzip' });
    await output.send(wholePart(batchOf(output, [auditLine()])), FOREVER);
    await output.close();
    expect(receiver.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expect(JSON.parse(receiver.received[0]?.body.toString() ?? '')).toEqual({
      kind: 'EventList',
      apiVersion: 'audit.k8s.io/v1',
      metadata: {},
      items: [JSON.parse(auditLine())],
    });
  });

  it('refuses one event that is larger than a body may be, and takes one that just fits', async () => {
    for (const format of ['ndjson', 'json', 'eventList']) {
      const line = auditLine();
      await using receiver = await startReceiver(() => ({ status: 200 }));
      const fitting = httpTo(receiver.url, { format });
      await fitting.send(wholePart(batchOf(fitting, [line])), FOREVER);
      await fitting.close();
      const maxBodyBytes = (receiver.received[0]?.body.length ?? 0) + (format === 'ndjson' ? 0 : 1);
      const refusals: Refusal[] = [];
      expect(batchOf(httpTo(receiver.url, { format, maxBodyBytes }), [line], refusals).count, format).toBe(1);
      expect(batchOf(httpTo(receiver.url, { format, maxBodyBytes: maxBodyBytes - 1 }), [line], refusals).count).toBe(0);
      expect(refusals).toMatchObject([{ reason: 'too-large' }]);
    }
  });

  it('leaves room for the frame in its batches', () => {
    const output = httpTo('http://h', { format: 'json', maxBodyBytes: 10_000 });
    expect(output.maxBatchBytes).toBe(9_998);
  });

  it('is named without what may be a secret in its URL', () => {
    expect(httpTo('https://logs.example/in/?token=abc').destination).toBe('http https://logs.example/in');
  });

  it('tries again later where nobody answers', async () => {
    const output = httpTo(await refusingUrl());
    const result = await output.send(wholePart(batchOf(output, [auditLine(), auditLine()])), FOREVER);
    expect(result.again).toMatchObject([{ how: 'retry', items: [0, 1], status: 0, reason: 'refused' }]);
  });
});

describe('the probe of http', () => {
  it.each([
    [200, 'ok'],
    [405, 'ok'],
    [404, 'ok'],
    [401, 'error'],
    [403, 'error'],
    [307, 'error'],
    [407, 'error'],
    [503, 'warning'],
  ])('of a receiver that answers %d is %s', async (status, level) => {
    await using receiver = await startReceiver(() => ({ status }));
    const output = httpTo(receiver.url);
    expect((await output.probe(FOREVER))[0]?.level).toBe(level);
    expect(receiver.received.map((request) => request.method)).toEqual(['HEAD']);
    await output.close();
  });

  it('of nobody is an error with a way out', async () => {
    const [finding] = await httpTo(await refusingUrl()).probe(FOREVER);
    expect(finding).toMatchObject({
      level: 'error',
      text: expect.stringContaining('refused'),
      hint: expect.any(String),
    });
  });
});
