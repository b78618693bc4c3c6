import { expect, it } from 'vitest';
import { createElasticsearchOutput } from '../../../src/output/elasticsearch/elasticsearch.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import { auditLine, batchOf } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';
import { type Received, type Reply, startReceiver } from '../support/receiver.ts';

const FOREVER = new AbortController().signal;

/** What the output makes of an answer to its question for the odd items of five, and the question. */
async function asked(answer: (request: Received) => Reply) {
  await using receiver = await startReceiver(answer);
  const config = outputConfig('elasticsearch', { url: receiver.url, dataStream: 'logs-audit-default' });
  const output = createElasticsearchOutput(config, {}, createTransport(config, { userAgent: 'test', environment: {} }));
  const batch = batchOf(
    output,
    Array.from({ length: 5 }, (_, at) => auditLine({ auditID: `${at}"}}` })),
  );
  const lookedUp = await output.lookUp?.({ batch, items: [1, 3] }, FOREVER);
  await output.close();
  const ids = batch.bytes.toString().match(/(?<="_id":")[^"]{22}/g) ?? [];
  return { lookedUp, ids, request: receiver.received[0] };
}

/** Has the first event that is asked for, in two indices. */
function hasFirst({ body }: Received): Reply {
  const [first] = (JSON.parse(body.toString()) as { query: { ids: { values: string[] } } }).query.ids.values;
  return { status: 200, body: JSON.stringify({ hits: { hits: [{ _id: first }, { _id: first }, { _id: 'other' }] } }) };
}

it('asks a data stream for the very ids, and counts each event once', async () => {
  const { lookedUp, ids, request } = await asked(hasFirst);
  expect(lookedUp).toEqual({ known: [1] });
  expect(request?.url).toMatch(/^\/logs-audit-default\/_search\?.*allow_partial_search_results=false/);
  expect(JSON.parse(request?.body.toString() ?? '')).toMatchObject({
    size: 2,
    query: { ids: { values: [ids[1], ids[3]] } },
  });
});

it('takes nothing for known where there is no stream, no right to search, or no sense in the answer', async () => {
  for (const status of [400, 401, 403, 404]) expect((await asked(() => ({ status }))).lookedUp).toEqual({ known: [] });
  for (const body of ['', '{}', '[]', 'x']) {
    expect((await asked(() => ({ status: 200, body }))).lookedUp).toEqual({ known: [] });
  }
});

it('is to be asked again where a shard does not answer', async () => {
  const { lookedUp } = await asked(() => ({ status: 503 }));
  expect(lookedUp).toMatchObject({ known: [], again: { how: 'retry', status: 503, reason: 'look-up' } });
});

it('asks nothing where the index follows from the event', () => {
  const config = outputConfig('elasticsearch', { url: 'http://es', index: 'audit-{yyyy.MM.dd}' });
  const output = createElasticsearchOutput(config, {}, createTransport(config, { userAgent: 'test', environment: {} }));
  expect(output.lookUp).toBeUndefined();
});
