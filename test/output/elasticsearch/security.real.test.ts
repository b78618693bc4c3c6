import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createElasticsearchOutput } from '../../../src/output/elasticsearch/elasticsearch.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { Finding, SendResult } from '../../../src/output/output.ts';
import { serverScripts, type ServerScripts } from '../../support/real-receiver.ts';
import { shared } from '../../support/shared.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';

const PASSWORD = 'labpassword';
const SETTLED: SendResult = { rejected: [], again: [], duplicates: 0 };
const FOREVER = new AbortController().signal;
const scripts = shared('servers/elasticsearch');
const note = scripts === undefined ? ' (skipped: there is no elasticsearch to start in AUDITAIL_SHARED)' : '';

function texts(findings: readonly Finding[]): string {
  return findings.map(({ text }) => text).join('\n');
}

describe.skipIf(scripts === undefined)(`a real elasticsearch with security on${note}`, () => {
  let server: ServerScripts;
  let apiKey = '';

  beforeAll(async () => {
    server = await serverScripts(scripts ?? '', 'ES', { ES_SECURITY: 'true', ES_PASSWORD: PASSWORD });
    await server.up();
    await asAdmin('PUT', '/audit', {});
    await asAdmin('PUT', '/other', {});
    const writer = { indices: [{ names: ['audit'], privileges: ['create_doc'] }] };
    apiKey = (await makeKey({ role_descriptors: { writer } })).encoded;
  });
  afterAll(() => server.remove());

  async function asAdmin(
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    body: unknown,
  ): Promise<Record<string, unknown>> {
    const authorization = `Basic ${Buffer.from(`elastic:${PASSWORD}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await request(server.url + path, { method, headers, body: JSON.stringify(body) });
    const text = await answer.body.text();
    expect(answer.statusCode, text).toBeLessThan(300);
    return JSON.parse(text) as Record<string, unknown>;
  }

  async function makeKey(settings: Readonly<Record<string, unknown>>): Promise<{ id: string; encoded: string }> {
    const made = await asAdmin('POST', '/_security/api_key', { name: 'auditail', ...settings });
    const encoded = made['encoded'] ?? Buffer.from(`${made['id']}:${made['api_key']}`).toString('base64');
    return { id: String(made['id']), encoded: String(encoded) };
  }

  async function use<Result>(
    auth: unknown,
    index: string,
    act: (output: ReturnType<typeof createElasticsearchOutput>) => Promise<Result>,
  ): Promise<Result> {
    const config = outputConfig('elasticsearch', { url: server.url, index, auth });
    const options = { userAgent: 'auditail/test', environment: { KEY: apiKey } };
    const output = createElasticsearchOutput(config, {}, createTransport(config, options));
    try {
      return await act(output);
    } finally {
      await output.close();
    }
  }

  const key = { apiKey: { env: 'KEY' } };

  function send(auth: unknown, index: string, auditID: string): Promise<SendResult> {
    return use(auth, index, (output) => output.send(wholePart(batchOf(output, [auditLine({ auditID })])), FOREVER));
  }

  function probe(auth: unknown, index: string): Promise<readonly Finding[]> {
    return use(auth, index, (output) => output.probe(FOREVER));
  }

  it('takes events with a key that may only create documents, and knows them again', async () => {
    expect(await send(key, 'audit', 'a')).toEqual(SETTLED);
    expect(await send(key, 'audit', 'a')).toEqual({ ...SETTLED, duplicates: 1 });
  });

  it('holds, and gives nothing up, where the key may not write or is none', async () => {
    expect((await send(key, 'other', 'a')).again).toMatchObject([{ how: 'hold', reason: 'security_exception' }]);
    const wrong = { basic: { username: 'elastic', password: 'not-the-password' } };
    expect((await send(wrong, 'audit', 'a')).again).toMatchObject([{ how: 'hold', status: 401 }]);
    expect((await send({}, 'audit', 'a')).again).toMatchObject([{ how: 'hold', status: 401 }]);
  });

  it('holds where a key is expired or was taken back', async () => {
    const expired = await makeKey({ expiration: '1ms' });
    const gone = await makeKey({});
    await asAdmin('DELETE', '/_security/api_key', { ids: [gone.id] });
    for (const { encoded } of [expired, gone]) {
      const { again, rejected } = await send({ apiKey: encoded }, 'audit', 'c');
      expect(rejected).toEqual([]);
      expect(again).toMatchObject([{ how: 'hold', status: 401, reason: 'security_exception' }]);
      expect(again[0]?.words).not.toContain(encoded);
      expect(await probe({ apiKey: encoded }, 'audit')).toMatchObject([{ level: 'error', hint: 'Check auth.' }]);
    }
  });

  it('is told in the probe what the key may do', async () => {
    expect(texts(await probe(key, 'audit'))).not.toContain('may not write');
    expect(texts(await probe({ basic: { username: 'elastic', password: PASSWORD } }, 'audit'))).toContain(
      'The credentials may write to audit.',
    );
    const wrong = await probe({ basic: { username: 'elastic', password: 'not-the-password' } }, 'audit');
    expect(wrong).toMatchObject([{ level: 'error', hint: 'Check auth.' }]);
    expect(JSON.stringify(wrong)).not.toContain('not-the-password');
  });

  it('never repeats a secret', async () => {
    const said = JSON.stringify([await send(key, 'other', 'b'), await probe(key, 'audit'), await probe(key, 'other')]);
    expect(said).not.toContain(apiKey);
    expect(said).not.toContain(Buffer.from(apiKey, 'base64').toString());
  });
});
