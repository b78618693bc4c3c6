import { describe, expect, it } from 'vitest';
import { createHttpOutput } from '../../../src/output/http/http.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { Output } from '../../../src/output/output.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';
import { type Received, type Reply, startReceiver } from '../support/receiver.ts';

const FOREVER = new AbortController().signal;

async function withOutput<Result>(
  settings: Readonly<Record<string, unknown>>,
  answer: (request: Received) => Reply,
  act: (output: Output, received: readonly Received[]) => Promise<Result>,
): Promise<Result> {
  await using receiver = await startReceiver(answer);
  const config = outputConfig('http', { url: receiver.url, ...settings });
  const output = createHttpOutput(config, {}, createTransport(config, { userAgent: 'auditail/test', environment: {} }));
  try {
    return await act(output, receiver.received);
  } finally {
    await output.close();
  }
}

function idOf({ body }: Received): string {
  return (JSON.parse(body.toString()) as { auditID: string }).auditID;
}

const LINES = ['a', 'b', 'c', 'd'].map((auditID) => auditLine({ auditID }));

describe('one event a request', () => {
  it('sends each event by itself, each with a key of its own', async () => {
    await withOutput(
      { format: 'event' },
      () => ({ status: 200 }),
      async (output, received) => {
        const result = await output.send(wholePart(batchOf(output, LINES)), FOREVER);
        expect(result).toEqual({ rejected: [], again: [], duplicates: 0 });
        expect(received.map(idOf).sort()).toEqual(['a', 'b', 'c', 'd']);
        expect(new Set(received.map(({ headers }) => headers['idempotency-key'])).size).toBe(4);
        expect(received[0]?.headers['content-type']).toBe('application/json');
      },
    );
  });

  it('keeps the order where one request at a time is asked for, and stops where the receiver is down', async () => {
    const settings = { format: 'event', batch: { maxInFlight: 1 } };
    await withOutput(
      settings,
      (one) => ({ status: idOf(one) === 'c' ? 503 : 200 }),
      async (output, received) => {
        const { again } = await output.send(wholePart(batchOf(output, LINES)), FOREVER);
        expect(received.map(idOf)).toEqual(['a', 'b', 'c']);
        expect(again.map(({ how, items }) => [how, items])).toEqual([
          ['retry', [2]],
          ['retry', [3]],
        ]);
      },
    );
  });

  it('names the one event that is refused', async () => {
    await withOutput(
      { format: 'event' },
      (one) => ({ status: idOf(one) === 'b' ? 413 : 200 }),
      async (output) => {
        const { rejected, again } = await output.send(wholePart(batchOf(output, LINES)), FOREVER);
        expect(rejected.map(({ item, reason }) => [item, reason])).toEqual([[1, 'too-large']]);
        expect(again).toEqual([]);
      },
    );
  });
});

describe('OTLP', () => {
  it('takes an empty partial success for what it is', async () => {
    const body = '{"partialSuccess":{}}';
    await withOutput(
      { format: 'otlp' },
      () => ({ status: 200, body }),
      async (output) => {
        const result = await output.send(wholePart(batchOf(output, LINES)), FOREVER);
        expect(result).toEqual({ rejected: [], again: [], duplicates: 0 });
      },
    );
  });

  it('looks for the record that a partial success is about', async () => {
    const body = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}';
    await withOutput(
      { format: 'otlp' },
      () => ({ status: 200, body }),
      async (output) => {
        const batch = batchOf(output, LINES);
        const { again } = await output.send(wholePart(batch), FOREVER);
        expect(again).toMatchObject([{ how: 'split', items: [0, 1, 2, 3], reason: 'partial-success' }]);
        const { rejected } = await output.send({ batch, items: [2] }, FOREVER);
        expect(rejected).toMatchObject([{ item: 2, words: expect.stringContaining('too old') }]);
      },
    );
  });

  it('is tried without a record by the probe', async () => {
    await withOutput(
      { format: 'otlp' },
      () => ({ status: 200 }),
      async (output, received) => {
        expect(await output.probe(FOREVER)).toMatchObject([{ level: 'ok' }]);
        expect(received.map(({ body }) => body.toString())).toEqual(['{"resourceLogs":[]}']);
      },
    );
    await withOutput(
      { format: 'otlp' },
      () => ({ status: 404, body: '404 page not found' }),
      async (output) => {
        expect(await output.probe(FOREVER)).toMatchObject([
          { level: 'error', hint: expect.stringContaining('/v1/logs') },
        ]);
      },
    );
  });
});
