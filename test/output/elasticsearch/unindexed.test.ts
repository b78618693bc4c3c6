import { describe, expect, it } from 'vitest';
import { createElasticsearchOutput } from '../../../src/output/elasticsearch/elasticsearch.ts';
import { withUnindexed } from '../../../src/output/elasticsearch/unindexed.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';
import { type Received, startReceiver } from '../support/receiver.ts';

const FOREVER = new AbortController().signal;
const LONG = 'x'.repeat(40_000);

type Document = Record<string, unknown>;

function documents({ body }: Received): Document[] {
  const lines = body.toString().trimEnd().split('\n');
  return lines.filter((_, index) => index % 2 === 1).map((line) => JSON.parse(line) as Document);
}

/** What OpenSearch 2.19 says of a value that is too long, and Elasticsearch of a key. */
const IMMENSE = (field: string) =>
  `Document contains at least one immense term in field="${field}" (whose UTF8 encoding is longer than the max length 32766), all of which were skipped. The prefix of the first immense term is: '[120]...'`;
const FLATTENED = (field: string) =>
  `Flattened field [${field}] contains one immense field whose keyed encoding is longer than the allowed max length of 32766 bytes. Key length: 40000`;

const UNPARSED = (field: string) =>
  `[1:40294] failed to parse field [${field}] of type [flattened] in document with id 'iFwRt6n5CiEE_56-H5_sdg'`;

/** A server that cannot index these fields while they stand under their name. */
async function send(
  unfit: Readonly<Record<string, (field: string) => string>>,
  lines: readonly string[],
  settings: Readonly<Record<string, unknown>> = {},
) {
  await using receiver = await startReceiver((request) => {
    const items = documents(request).map((document) => {
      const found = Object.entries(unfit).find(([field]) => at(document, field) !== undefined);
      if (found === undefined) return { create: { status: 201 } };
      const [field, say] = found;
      return { create: { status: 400, error: { type: 'illegal_argument_exception', reason: say(field) } } };
    });
    return { status: 200, body: JSON.stringify({ errors: true, items }) };
  });
  const config = outputConfig('elasticsearch', { url: receiver.url, index: 'audit', ...settings });
  const output = createElasticsearchOutput(
    config,
    { cluster: 'prod' },
    createTransport(config, { userAgent: 'auditail/test', environment: {} }),
  );
  const result = await output.send(wholePart(batchOf(output, lines)), FOREVER);
  await output.close();
  return { result, requests: receiver.received.map(documents) };
}

function at(document: Document, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Document | undefined)?.[name], document);
}

describe('an event of which the server cannot index a body', () => {
  const long = auditLine({ auditID: 'long', responseObject: { data: LONG } });

  it('is sent again with that body beside the mapping, marked, and the others are not', async () => {
    const { result, requests } = await send({ responseObject: (f) => IMMENSE(`${f}._value`) }, [
      auditLine({ auditID: 'a' }),
      long,
      auditLine({ auditID: 'b' }),
    ]);
    expect(result).toEqual({ rejected: [], again: [], duplicates: 0 });
    expect(requests).toHaveLength(2);
    const [stored] = requests[1] as [Document];
    expect(requests[1]).toHaveLength(1);
    expect(stored).toMatchObject({
      auditail: { cluster: 'prod', unindexed: ['responseObject'] },
      auditID: 'long',
      responseObjectUnmapped: { data: LONG },
    });
    expect(stored).not.toHaveProperty('responseObject');
  });

  it('is freed of one body after the other, and of what an authenticator added', async () => {
    const line = auditLine({ requestObject: { [LONG]: 1 }, responseObject: 1, user: { extra: { a: [LONG] } } });
    const { result, requests } = await send(
      { requestObject: FLATTENED, responseObject: UNPARSED, 'user.extra': IMMENSE },
      [line],
    );
    expect(result.rejected).toEqual([]);
    expect(requests.at(-1)?.[0]).toMatchObject({
      auditail: { unindexed: ['requestObject', 'responseObject', 'user.extra'] },
      requestObjectUnmapped: { [LONG]: 1 },
      user: { extraUnmapped: { a: [LONG] } },
    });
  });

  it('is found under kubernetes.audit in format ecs', async () => {
    const field = 'kubernetes.audit.requestObject.spec.volumes.hostPath';
    const requestObject = { spec: { volumes: [{ hostPath: { path: LONG } }] } };
    const { result, requests } = await send(
      { 'kubernetes.audit.requestObject': () => IMMENSE(`${field}._value`) },
      [auditLine({ requestObject })],
      { format: 'ecs' },
    );
    expect(result.rejected).toEqual([]);
    expect(requests.at(-1)?.[0]).toMatchObject({
      auditail: { unindexed: ['requestObject'] },
      kubernetes: { audit: { requestObjectUnmapped: requestObject } },
    });
  });

  it('is set aside where that does not help, or where another field is at fault', async () => {
    const still = await send({ auditID: () => IMMENSE('responseObject._value') }, [long]);
    expect(still.result.rejected).toMatchObject([{ item: 0, reason: 'illegal_argument_exception' }]);
    expect(still.requests).toHaveLength(2);
    const other = await send({ auditID: IMMENSE }, [long]);
    expect(other.result.rejected).toHaveLength(1);
    expect(other.requests).toHaveLength(1);
  });

  it('comes back by taking the mark and the added name away', () => {
    const output = { encode: createElasticsearchOutput(...plain()).encode };
    const batch = batchOf(output, [long]);
    const item = batch.bytes.toString();
    const moved = withUnindexed(batch, 0, ['responseObject'])?.toString() ?? '';
    expect(moved).not.toBe(item);
    const back = moved
      .replace('"auditail":{"unindexed":["responseObject"]},', '')
      .replace('responseObjectUnmapped', 'responseObject');
    expect(back).toBe(item);
  });
});

function plain(): Parameters<typeof createElasticsearchOutput> {
  const config = outputConfig('elasticsearch', { url: 'http://es', index: 'audit' });
  return [config, {}, createTransport(config, { userAgent: 'auditail/test', environment: {} })];
}
