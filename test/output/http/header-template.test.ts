import { describe, expect, it } from 'vitest';
import { createHttpOutput } from '../../../src/output/http/http.ts';
import { headerTemplates } from '../../../src/output/http/header-template.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { Metadata } from '../../../src/output/metadata.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';
import { startReceiver } from '../support/receiver.ts';

const FOREVER = new AbortController().signal;

/** The headers of each request that the lines were sent in. */
async function sent(
  settings: Readonly<Record<string, unknown>>,
  metadata: Metadata,
  lines: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) {
  await using receiver = await startReceiver(() => ({ status: 200 }));
  const config = outputConfig('http', { url: receiver.url, batch: { maxInFlight: 1 }, ...settings });
  const output = createHttpOutput(
    config,
    metadata,
    createTransport(config, { userAgent: 'auditail/test', environment }),
  );
  expect(await output.send(wholePart(batchOf(output, lines)), FOREVER)).toMatchObject({ again: [], rejected: [] });
  await output.close();
  return receiver.received.map(({ headers }) => headers);
}

function problem(headers: Readonly<Record<string, string>>, settings: Readonly<Record<string, unknown>> = {}): string {
  const config = outputConfig('http', { url: 'http://h', headers, ...settings });
  try {
    headerTemplates(config, {});
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a header of the configuration', () => {
  it('is filled in with where the events come from', async () => {
    const headers = { 'X-From': '${cluster}/${node}: ${source} to ${output}', 'X-Plain': 'as $it {is}' };
    const [first] = await sent({ headers }, { cluster: 'prod', node: 'cp-1' }, [auditLine()]);
    expect(first).toMatchObject({ 'x-from': 'prod/cp-1: kube to out', 'x-plain': 'as $it {is}' });
  });

  it('is filled in anew for each event where a request holds one', async () => {
    const headers = { 'X-Event': '${auditID} ${verb} ${objectRef.namespace}/${objectRef.name} ${responseStatus.code}' };
    const lines = [
      auditLine({
        auditID: 'a',
        verb: 'get',
        objectRef: { namespace: 'prod', name: 'db' },
        responseStatus: { code: 403 },
      }),
      auditLine({ auditID: 'b', verb: 'list' }),
    ];
    const all = await sent({ format: 'event', headers }, {}, lines);
    expect(all.map((one) => one['x-event'])).toEqual(['a get prod/db 403', 'b list /']);
  });

  it('can neither end early nor bring another header along, whatever a client put into the event', async () => {
    const evil = 'x\r\nX-Admin: yes\u0000é\ud800%';
    const line = auditLine({ userAgent: evil, verb: 'v'.repeat(9000), auditID: { a: 1 } });
    const headers = { 'X-Agent': 'ua=${userAgent}', 'X-Verb': '${verb}', 'X-Id': '[${auditID}]' };
    const [one] = await sent({ format: 'event', headers }, {}, [line]);
    expect(one?.['x-agent']).toBe('ua=x%0D%0AX-Admin: yes%00%C3%A9%EF%BF%BD%');
    expect(one?.['x-verb']).toHaveLength(256);
    expect(one?.['x-id']).toBe('[]');
    expect(one).not.toHaveProperty('x-admin');
  });

  it('is left as it is where it comes from the environment, or where the dollar is doubled', async () => {
    const headers = { 'X-Key': { env: 'KEY' }, 'X-Text': '$${cluster} ${cluster}' };
    const [one] = await sent({ headers }, { cluster: 'prod' }, [auditLine()], { KEY: 'k${cluster}' });
    expect(one).toMatchObject({ 'x-key': 'k${cluster}', 'x-text': '${cluster} prod' });
  });

  it('is refused with a sentence where a name is not known, not set or not to be had', () => {
    expect(problem({ A: '${clutser}' })).toContain(
      'outputs.out.headers.A: ${clutser} is not known; did you mean ${cluster}?',
    );
    expect(problem({ A: '${API_TOKEN}' })).toContain('{ env: API_TOKEN } takes the whole value from the environment');
    expect(problem({ A: '${__proto__}' })).toContain('is not known; there are cluster, node, source, output,');
    expect(problem({ A: '${cluster}' })).toContain('metadata.cluster is not set');
    expect(problem({ A: '${verb}' })).toContain('only with format: event');
    expect(problem({ A: '${requestObject}' }, { format: 'event' })).toContain('is not known');
    for (const open of ['${source', 'a ${ b', '${source} ${', '${{source}}', '$${ ${']) {
      expect(problem({ A: open }), open).toContain('has a ${ without an end');
    }
    expect(problem({ A: '${verb} $${ $ {} } $' }, { format: 'event' })).toBe('');
  });
});

/** What the probe says, and the headers that it sent. */
async function probed(settings: Readonly<Record<string, unknown>>, environment = {}) {
  await using receiver = await startReceiver(({ headers }) => ({ status: 404, body: JSON.stringify(headers) }));
  const config = outputConfig('http', { url: receiver.url, ...settings });
  const transport = createTransport(config, { userAgent: 'auditail/test', environment });
  const output = createHttpOutput(config, { cluster: 'prod' }, transport);
  const findings = await output.probe(FOREVER, 'kube');
  await output.close();
  return { said: findings.map(({ text }) => text).join('\n'), headers: receiver.received[0]?.headers };
}

describe('check --connect', () => {
  it.each(['ndjson', 'otlp'])('sends the headers as events will have them, and shows them (%s)', async (format) => {
    const { said, headers } = await probed({
      format,
      headers: { 'X-Scope': '${cluster}/${source}', 'X-Plain': 'yes' },
    });
    expect(headers).toMatchObject({ 'x-scope': 'prod/kube', 'x-plain': 'yes', 'x-auditail-cluster': 'prod' });
    expect(said).toContain('Headers are filled in, without the fields of an event: X-Scope: prod/kube');
    expect(said).not.toContain('X-Plain');
  });

  it('leaves fields of an event empty, as where an event has none', async () => {
    const { headers } = await probed({ format: 'event', headers: { 'X-Event': '[${auditID} ${objectRef.name}]' } });
    expect(headers?.['x-event']).toBe('[ ]');
  });

  it('shows no secret, neither its own nor one that the receiver quotes', async () => {
    const headers = { 'X-Api-Token': 's3cr3t-${cluster}', 'X-Session': { env: 'SESSION' }, 'X-Scope': '${cluster}' };
    for (const format of ['ndjson', 'otlp']) {
      const { said, headers: received } = await probed({ format, headers }, { SESSION: 'sess10n-${x}' });
      expect(received).toMatchObject({ 'x-api-token': 's3cr3t-prod', 'x-session': 'sess10n-${x}' });
      expect(said).toContain('X-Scope: prod');
      expect(said).not.toMatch(/s3cr3t|sess10n/);
    }
  });
});
