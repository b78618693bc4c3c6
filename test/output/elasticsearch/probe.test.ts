import { describe, expect, it } from 'vitest';
import { createElasticsearchOutput } from '../../../src/output/elasticsearch/elasticsearch.ts';
import { nativeMapping } from '../../../src/output/elasticsearch/setup/mapping.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { Finding } from '../../../src/output/output.ts';
import { outputConfig } from '../support/network-output.ts';
import { type Received, type Reply, refusingUrl, startReceiver } from '../support/receiver.ts';

const ELASTICSEARCH =
  '{"name":"es1","cluster_name":"lab","version":{"number":"8.19.8","build_flavor":"default"},"tagline":"You Know, for Search"}';
const OPENSEARCH = '{"name":"os1","cluster_name":"lab","version":{"distribution":"opensearch","number":"2.19.5"}}';
const VICTORIALOGS = '{\n\t\t\t"version": {\n\t\t\t\t"number": "8.9.0"\n\t\t\t}\n\t\t}';

/** Answers by method and the beginning of the path; 200 with nothing where none is given. */
type Answers = Readonly<Record<string, Reply>>;

function fallback(url: string): Reply {
  if (url.startsWith('/_security')) return { status: 400, body: 'no handler found for uri' }; // a node without security
  return { status: 200, body: url === '/' ? ELASTICSEARCH : '{}' };
}

async function probed(answers: Answers): Promise<readonly Finding[]> {
  const answer = ({ method, url }: Received) =>
    Object.entries(answers).find(([start]) => `${method} ${url}`.startsWith(start))?.[1] ?? fallback(url);
  await using receiver = await startReceiver(answer);
  const config = outputConfig('elasticsearch', { url: receiver.url, index: 'audit' });
  const output = createElasticsearchOutput(
    config,
    {},
    createTransport(config, { userAgent: 'auditail/test', environment: {} }),
  );
  const findings = await output.probe(new AbortController().signal);
  await output.close();
  expect(
    receiver.received.map((request) => request.method).filter((method) => method === 'PUT' || method === 'DELETE'),
  ).toEqual([]);
  expect(receiver.received.some((request) => request.url.includes('_bulk'))).toBe(false);
  return findings;
}

function errors(findings: readonly Finding[]): readonly string[] {
  return findings.filter((finding) => finding.level === 'error').map((finding) => finding.text);
}

function simulate(mappings: unknown): Answers {
  const body = JSON.stringify({ template: { mappings } });
  return { 'POST /_index_template/_simulate_index/audit': { status: 200, body } };
}

function mapped(mappings: unknown): Answers {
  return { 'GET /audit/_mapping': { status: 200, body: JSON.stringify({ audit: { mappings } }) } };
}

describe('the probe of elasticsearch', () => {
  it('knows the kind and the version of the server', async () => {
    expect((await probed({}))[0]?.text).toBe('It is Elasticsearch 8.19.8.');
    expect((await probed({ 'GET /': { status: 200, body: OPENSEARCH } }))[0]?.text).toBe('It is OpenSearch 2.19.5.');
  });

  it('says of VictoriaLogs that it stores twice what is sent twice', async () => {
    const findings = await probed({ 'GET /': { status: 200, body: VICTORIALOGS } });
    expect(findings).toMatchObject([
      { level: 'ok' },
      { level: 'warning', text: expect.stringContaining('stored twice') },
    ]);
  });

  it('finds nothing wrong with a target that is there and may be written', async () => {
    const findings = await probed({
      'POST /_security': { status: 200, body: '{"username":"u","has_all_requested":true}' },
    });
    expect(findings.map((finding) => finding.level)).toEqual(['ok', 'ok', 'ok']);
  });

  it('finds credentials that may not write', async () => {
    const findings = await probed({
      'POST /_security': { status: 200, body: '{"username":"u","has_all_requested":false}' },
    });
    expect(errors(findings)).toEqual(['The credentials may not write to audit.']);
  });

  it('finds credentials that are not accepted', async () => {
    const body = '{"error":{"type":"security_exception","reason":"unable to authenticate user"},"status":401}';
    expect(errors(await probed({ 'GET /': { status: 401, body } }))[0]).toMatch(
      /^The credentials are not accepted: .*unable to authenticate/,
    );
  });

  it('finds a write block', async () => {
    const findings = await probed({
      'GET /audit/_settings': { status: 200, body: '{"audit":{"settings":{"index":{"blocks":{"write":"true"}}}}}' },
    });
    expect(errors(findings)).toEqual(['The index audit is blocked for writing.']);
  });

  it('tells a missing index that will be created from one that will not', async () => {
    const missing = { 'HEAD /audit': { status: 404 } };
    expect((await probed(missing))[1]).toMatchObject({
      level: 'warning',
      hint: expect.stringContaining('auditail setup'),
    });
    const off = {
      'GET /_cluster/settings': { status: 200, body: '{"persistent":{"action":{"auto_create_index":"false"}}}' },
    };
    expect(errors(await probed({ ...missing, ...off }))[0]).toContain('does not create any');
  });

  it('tells a template that lets every event in from one that does not', async () => {
    const missing = { 'HEAD /audit': { status: 404 } };
    const right = await probed({ ...missing, ...simulate(nativeMapping('elasticsearch')) });
    expect(right[1]).toMatchObject({ level: 'ok', text: expect.stringContaining('The template for audit is there') });
    const wrong = await probed({ ...missing, ...simulate({ properties: { requestObject: { type: 'object' } } }) });
    expect(wrong[1]).toMatchObject({ level: 'warning', hint: expect.stringContaining('auditail setup') });
  });

  it('finds an index with another mapping, and one with the right one', async () => {
    const right = await probed(mapped(nativeMapping('elasticsearch')));
    expect(right.map(({ level }) => level)).toEqual(['ok', 'ok', 'ok']);
    const wrong = await probed(mapped({ properties: { verb: { type: 'text' } } }));
    expect(wrong[2]).toMatchObject({ level: 'warning', text: expect.stringContaining('not the one for audit events') });
  });

  it('finds a server that takes smaller requests than a batch may be', async () => {
    const body = '{"nodes":{"a":{"http":{"max_content_length_in_bytes":1000}}}}';
    const findings = await probed({ 'GET /_nodes/http': { status: 200, body } });
    expect(findings.at(-1)).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('requests of 1000 bytes'),
    });
  });

  it('notices that something else answers', async () => {
    expect(errors(await probed({ 'GET /': { status: 200, body: '<html>Welcome</html>' } }))[0]).toContain(
      'not as Elasticsearch',
    );
    expect(errors(await probed({ 'GET /': { status: 502, body: '<html><h1>502 Bad Gateway</h1></html>' } }))[0]).toBe(
      'The address answers with HTTP 502: 502 Bad Gateway',
    );
  });

  it('notices that nobody answers', async () => {
    const config = outputConfig('elasticsearch', { url: await refusingUrl() });
    const output = createElasticsearchOutput(
      config,
      {},
      createTransport(config, { userAgent: 'auditail/test', environment: {} }),
    );
    const findings = await output.probe(new AbortController().signal);
    expect(findings).toMatchObject([{ level: 'error', text: expect.stringContaining('refused') }]);
  });
});
