import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createElasticsearchOutput } from '../../../src/output/elasticsearch/elasticsearch.ts';
import { nativeMapping } from '../../../src/output/elasticsearch/setup/mapping.ts';
import { createTransport } from '../../../src/output/http-transport.ts';
import type { SendResult } from '../../../src/output/output.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';

const SERVERS = join(process.env['AUDITAIL_SHARED'] ?? resolve(import.meta.dirname, '../../../../shared'), 'servers');
const FOREVER = new AbortController().signal;
const SETTLED: SendResult = { rejected: [], again: [], duplicates: 0 };
const recorded = readFileSync(new URL('../../fixtures/events.log', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

const kinds = [
  { folder: 'elasticsearch', prefix: 'ES', port: 19_200, badDate: 'document_parsing_exception' },
  { folder: 'opensearch', prefix: 'OS', port: 19_201, badDate: 'mapper_parsing_exception' },
] as const;

for (const { folder, prefix, port, badDate } of kinds) {
  const script = join(SERVERS, folder, 'up.sh');
  const absent = existsSync(script) ? '' : ` (skipped: there is no ${folder} to start in AUDITAIL_SHARED)`;

  describe.skipIf(absent !== '')(`a real ${folder}${absent}`, () => {
    const url = `http://127.0.0.1:${port}`;
    const state = join(tmpdir(), `auditail-${folder}-${process.pid}`);
    const environment = {
      ...process.env,
      SINK_STATE: state,
      [`${prefix}_PORT`]: String(port),
      [`${prefix}_EXTRA`]: 'http.max_content_length: 1mb\nindexing_pressure.memory.limit: 900kb',
    };

    beforeAll(async () => {
      execFileSync('bash', [script], { env: environment, stdio: 'ignore' });
      const mapping = nativeMapping(folder);
      await ask('PUT', '/audit', {
        mappings: {
          ...mapping,
          properties: { ...(mapping['properties'] as object), requestReceivedTimestamp: { type: 'date' } },
        },
      });
    });

    afterAll(() => {
      execFileSync('bash', [join(SERVERS, folder, 'down.sh')], { env: environment, stdio: 'ignore' });
      rmSync(state, { recursive: true, force: true });
    });

    async function ask(method: 'PUT' | 'GET' | 'POST', path: string, body?: unknown): Promise<Record<string, unknown>> {
      const headers = { 'content-type': 'application/json' };
      const answer = await request(url + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
      });
      expect(answer.statusCode, `${method} ${path}`).toBeLessThan(300);
      return (await answer.body.json()) as Record<string, unknown>;
    }

    function outputInto(settings: Readonly<Record<string, unknown>>) {
      const config = outputConfig('elasticsearch', { url, batch: { maxBytes: '1Mi' }, ...settings });
      return createElasticsearchOutput(
        config,
        { cluster: 'lab' },
        createTransport(config, { userAgent: 'auditail/test', environment: {} }),
      );
    }

    async function send(
      lines: readonly string[],
      settings: Readonly<Record<string, unknown>> = { index: 'audit' },
    ): Promise<SendResult> {
      const output = outputInto(settings);
      const result = await output.send(wholePart(batchOf(output, lines)), FOREVER);
      await output.close();
      return result;
    }

    it('takes recorded events once, and knows them again', async () => {
      expect(await send(recorded)).toEqual(SETTLED);
      expect(await send(recorded, { index: 'audit', compression: 'gzip' })).toEqual({
        ...SETTLED,
        duplicates: recorded.length,
      });
      await ask('POST', '/audit/_refresh');
      expect(await ask('GET', '/audit/_count')).toMatchObject({ count: recorded.length });
      const found = await ask('GET', '/audit/_search?size=1&sort=@timestamp');
      const [hit] = (found['hits'] as { hits: { _source: Record<string, unknown> }[] }).hits;
      expect(hit?._source).toMatchObject({
        auditail: { cluster: 'lab' },
        '@timestamp': hit?._source['stageTimestamp'],
      });
    });

    it('makes an index a day', async () => {
      expect(await send([auditLine({ auditID: 'daily' })], { index: 'daily-{yyyy.MM.dd}' })).toEqual(SETTLED);
      expect(Object.keys(await ask('GET', '/daily-2026.11.23'))).toEqual(['daily-2026.11.23']);
    });

    it('refuses a bad date, and takes the events around it', async () => {
      const lines = ['before', 'bad', 'after'].map((auditID) =>
        auditLine({
          auditID,
          requestReceivedTimestamp: auditID === 'bad' ? 'the content of the trail' : '2026-11-23T05:04:24.987123Z',
        }),
      );
      const result = await send(lines);
      expect(result).toMatchObject({ again: [], duplicates: 0, rejected: [{ item: 1, status: 400, reason: badDate }] });
      expect(result.rejected[0]?.words).not.toContain('the content of the trail');
    });

    it('is held by a write block and goes on without it', async () => {
      const line = [auditLine({ auditID: 'blocked' })];
      await ask('PUT', '/audit/_settings', { 'index.blocks.write': true });
      expect((await send(line)).again).toMatchObject([{ how: 'hold', status: 403, reason: 'cluster_block_exception' }]);
      const output = outputInto({ index: 'audit' });
      expect((await output.probe(FOREVER)).map((finding) => finding.text)).toContain(
        'The index audit is blocked for writing.',
      );
      await output.close();
      await ask('PUT', '/audit/_settings', { 'index.blocks.write': false });
      expect(await send(line)).toEqual(SETTLED);
    });

    it('waits where the disk is full to the flood stage, and goes on when there is room', async () => {
      const line = [auditLine({ auditID: 'flood' })];
      // What the server itself sets at the watermark.
      await ask('PUT', '/audit/_settings', { 'index.blocks.read_only_allow_delete': true });
      expect((await send(line)).again).toMatchObject([
        { how: 'retry', status: 429, reason: 'cluster_block_exception' },
      ]);
      await ask('PUT', '/audit/_settings', { 'index.blocks.read_only_allow_delete': null });
      expect(await send(line)).toEqual(SETTLED);
    });

    it('is held by a closed index, and by a pipeline that is not there', async () => {
      await ask('PUT', '/closed', {});
      await ask('POST', '/closed/_close');
      expect((await send([auditLine()], { index: 'closed' })).again).toMatchObject([
        { how: 'hold', status: 400, reason: 'index_closed_exception' },
      ]);
      await ask('PUT', '/piped', { settings: { 'index.default_pipeline': 'nope' } });
      expect((await send([auditLine()], { index: 'piped' })).again).toMatchObject([
        { how: 'hold', status: 400, reason: 'illegal_argument_exception' },
      ]);
    });

    it('is not held by a key that a client named like an order to wait', async () => {
      const line = auditLine({ auditID: 'named', requestObject: '@' }).replace(
        '"@"',
        '{"maximum shards open":1,"maximum shards open":2}',
      );
      expect(await send([line])).toMatchObject({ again: [], rejected: [{ item: 0, status: 400 }] });
    });

    it('says in the probe that no index will be created', async () => {
      await ask('PUT', '/_cluster/settings', { persistent: { 'action.auto_create_index': false } });
      const output = outputInto({ index: 'missing' });
      expect((await output.probe(FOREVER)).map((finding) => finding.text)).toContain(
        'The index missing is not there, and the cluster does not create any by itself.',
      );
      expect((await send([auditLine()], { index: 'missing' })).again).toMatchObject([
        { how: 'hold', reason: 'index_not_found_exception' },
      ]);
      await ask('PUT', '/_cluster/settings', { persistent: { 'action.auto_create_index': null } });
      expect((await output.probe(FOREVER)).map((finding) => finding.level)).toEqual(['ok', 'warning']);
      await output.close();
    });

    it('is held by a name that no index can have', async () => {
      expect((await send([auditLine()], { index: 'Audit' })).again).toMatchObject([
        { how: 'hold', reason: 'invalid_index_name_exception' },
      ]);
    });

    it('says 413 to a request that is too large, and takes its halves', async () => {
      const lines = Array.from({ length: 4 }, (_, number) =>
        auditLine({ auditID: `large-${number}`, filler: 'x'.repeat(350_000) }),
      );
      const output = outputInto({ index: 'audit', batch: { maxBytes: '8Mi' } });
      const batch = batchOf(output, lines);
      expect((await output.send(wholePart(batch), FOREVER)).again).toMatchObject([
        { how: 'split', items: [0, 1, 2, 3], status: 413 },
      ]);
      expect(await output.send({ batch, items: [0, 1] }, FOREVER)).toEqual(SETTLED);
      expect(await output.send({ batch, items: [2, 3] }, FOREVER)).toEqual(SETTLED);
      await output.close();
    });

    it('waits where a request is more than the indexing pressure lets in, and takes its halves', async () => {
      const lines = Array.from({ length: 2 }, (_, number) =>
        auditLine({ auditID: `pressed-${number}`, filler: 'x'.repeat(500_000) }),
      );
      const output = outputInto({ index: 'audit', batch: { maxBytes: '8Mi' } });
      const batch = batchOf(output, lines);
      const { again } = await output.send(wholePart(batch), FOREVER);
      expect(again).toMatchObject([{ how: 'retry', items: [0, 1], status: 429 }]);
      expect(again[0]?.reason).toMatch(/^(?:es_)?rejected_execution_exception$/);
      for (const item of [0, 1]) expect(await output.send({ batch, items: [item] }, FOREVER)).toEqual(SETTLED);
      await output.close();
    });

    it('answers the probe', async () => {
      const output = outputInto({ index: 'audit' });
      const findings = await output.probe(FOREVER);
      await output.close();
      expect(findings[0]?.text.toLowerCase()).toMatch(`it is ${folder} `);
      // One field has another type here, for the test of a bad date.
      expect(findings.filter(({ level }) => level !== 'ok').map(({ text }) => text)).toEqual([
        'Its mapping is not the one for audit events: - requestReceivedTimestamp: date, + requestReceivedTimestamp: date_nanos',
      ]);
    });
  });
}
