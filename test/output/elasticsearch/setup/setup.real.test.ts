import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../../../src/cli/program.ts';
import { EventView } from '../../../../src/event/event-view.ts';
import { createElasticsearchOutput } from '../../../../src/output/elasticsearch/elasticsearch.ts';
import { createTransport } from '../../../../src/output/http-transport.ts';
import { BatchBuilder } from '../../../../src/pipeline/batch.ts';
import { ask, serverScripts, type ServerScripts } from '../../../support/real-receiver.ts';
import { documented } from '../../../support/documented.ts';
import { shared } from '../../../support/shared.ts';
import { auditLine, batchOf, wholePart } from '../../support/batch.ts';
import { outputConfig } from '../../support/network-output.ts';
import { kql, SEARCHES } from './searches.ts';

const CORPUS = shared('corpus/mixed.log.zst');
const EVENTS = 64_389;
const MAX_BATCH = 1_500_000;

interface Copies {
  readonly buckets: readonly { copies: { hits: { hits: readonly { _id: string; _index: string }[] } } }[];
}

async function write(): Promise<void> {}

function style(_: unknown, text: string): string {
  return text;
}

const JAVA_25 = java25();
const es = (version: string) => ({ ES_VERSION: version, ...(JAVA_25 === undefined ? {} : { ES_JAVA_HOME: JAVA_25 }) });
const os = (version: string) => ({
  OS_VERSION: version,
  ...(JAVA_25 === undefined ? {} : { OPENSEARCH_JAVA_HOME: JAVA_25 }),
});
const lacks = JAVA_25 === undefined;

/** Every version that setup is for; without `AUDITAIL_REAL=all` the middle ones. */
const ALL = [
  { name: 'elasticsearch 7.17', folder: 'elasticsearch', prefix: 'ES', settings: { ES_VERSION: '7.17.29' } },
  { name: 'elasticsearch 8.19', folder: 'elasticsearch', prefix: 'ES', settings: { ES_VERSION: '8.19.8' } },
  { name: 'elasticsearch 9.2', folder: 'elasticsearch', prefix: 'ES', settings: es('9.2.0'), lacks },
  { name: 'opensearch 2.19', folder: 'opensearch', prefix: 'OS', settings: { OS_VERSION: '2.19.5' } },
  { name: 'opensearch 3.4', folder: 'opensearch', prefix: 'OS', settings: os('3.4.0'), lacks },
] as const;
const EVERYTHING = process.env['AUDITAIL_REAL'] === 'all';
const kinds = ALL.filter(({ name }) => EVERYTHING || !/7\.17|3\.4/.test(name));
/** exactly-once.real.test.ts brings the plain trail to these two, and searches it. */
const ELSEWHERE = EVERYTHING ? [] : ['elasticsearch 8.19', 'opensearch 2.19'];

/** The newest want a newer Java than the others: where this machine has one, by its name. */
function java25(): string | undefined {
  const root = '/usr/lib/jvm';
  const name = existsSync(root) ? readdirSync(root).find((entry) => /\b25\b/.test(entry)) : undefined;
  return process.env['JAVA_25_HOME'] ?? (name === undefined ? undefined : `${root}/${name}`);
}

for (const one of kinds) {
  const { name: kind, folder, prefix, settings } = one;
  const noJava = 'lacks' in one && one.lacks;
  const scripts = shared(`servers/${folder}`);
  const absent = scripts === undefined || CORPUS === undefined || noJava;
  const why = noJava
    ? 'there is no Java 25 in /usr/lib/jvm or JAVA_25_HOME'
    : `there is no ${folder} or no recorded trail in AUDITAIL_SHARED`;
  const note = absent ? ` (skipped: ${why})` : '';

  describe.skipIf(absent)(`setup on a real ${kind}${note}`, () => {
    let server: ServerScripts;
    let corpus: Buffer;

    beforeAll(async () => {
      server = await serverScripts(scripts ?? '', prefix, settings);
      await server.up();
      corpus = zstdDecompressSync(readFileSync(CORPUS ?? ''));
    });
    afterAll(() => server.remove());

    function setup(index: string, ...more: readonly string[]): Promise<string> {
      return setupWith(['--index', index, ...more]);
    }

    async function setupWith(more: readonly string[]): Promise<string> {
      const lines: string[] = [];
      const print = (text: string): void => void lines.push(text);
      const terminal = { print, complain: print, write, draw: print, isLive: false, columns: 80, rows: 24, style };
      const target = ['--stdin', '--output', 'elasticsearch', '--url', server.url];
      await runProgram(['setup', ...target, ...more], { terminal, environment: {}, version: '0.0.0' });
      return lines.join('\n');
    }

    /** Sends the whole trail; the words of every refusal. */
    async function ship(index: string, format: string, trail = corpus): Promise<readonly string[]> {
      const config = outputConfig('elasticsearch', { url: server.url, index, format });
      const output = createElasticsearchOutput(
        config,
        {},
        createTransport(config, { userAgent: 'test', environment: {} }),
      );
      const view = new EventView();
      const builder = new BatchBuilder(2 * MAX_BATCH);
      const refused: string[] = [];
      const flush = async (to: number): Promise<void> => {
        const part = wholePart(builder.seal('0'.repeat(32), 'kube', { segment: 's', from: 0, to }));
        const result = await output.send(part, new AbortController().signal);
        refused.push(...[...result.rejected, ...result.again].map(({ words }) => words));
        builder.reset();
      };
      for (let start = 0; start < trail.length; ) {
        const end = trail.indexOf(0x0a, start);
        expect(view.read(trail, start, end)).toBeNull();
        const itemStart = builder.length;
        output.encode(view, { bytes: trail, start, end }, builder);
        builder.add(itemStart, start);
        if (builder.length > MAX_BATCH) await flush(end);
        start = end + 1;
      }
      await flush(trail.length);
      await output.close();
      await ask('POST', `${server.url}/${index}/_refresh`);
      return refused;
    }

    async function found(index: string, query: unknown): Promise<number> {
      return Number((await ask('POST', `${server.url}/${index}/_count`, { query }))['count']);
    }

    it.skipIf(ELSEWHERE.includes(kind))('takes every event of the recorded trail, and finds them again', async () => {
      expect(await setup('native')).toContain('+ index template auditail-native (create)');
      expect(await setup('native')).not.toMatch(/^ +[+~-] /m);
      expect(await ship('native', 'native')).toEqual([]);
      expect(await found('native', { match_all: {} })).toBe(EVENTS);
      for (const [what, field, value] of SEARCHES) {
        expect(await found('native', kql(field, value)), what).toBeGreaterThan(0);
      }
      expect(await setup('native', '--remove')).toContain('- index template auditail-native (remove)');
    });

    it('stores what a client made too long, too deep or too strange to be indexed, and says so', async () => {
      const long = 'x'.repeat(40_000);
      const deep = `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`;
      const strange = [
        '"text"',
        '7',
        'true',
        'null',
        '[1,{"a":2}]',
        '{"":1,".":{},"a..b":2}',
        '{"_id":"x"}',
        '{"a":"\\ud800\\u0000"}',
      ];
      const large = [
        '{"a":123456789012345678901234567890}',
        '{"a":1e400}',
        '[{"op":"add","value":1},{"op":"add","value":{"b":1}}]',
      ];
      const bodies = [`{"data":"${long}"}`, `{"${long}":"x"}`, deep, ...strange, ...large];
      const lines = bodies.map((body, at) =>
        auditLine({ auditID: `odd-${at}`, user: { username: 'alice' }, responseObject: '@' }).replace('"@"', body),
      );
      await setup('odd');
      expect(await ship('odd', 'native', Buffer.from(`${lines.join('\n')}\n`))).toEqual([]);
      expect(await found('odd', { term: { 'user.username': 'alice' } })).toBe(lines.length);
      expect(await found('odd', { term: { 'auditail.unindexed': 'responseObject' } })).toBeGreaterThan(0);
    });

    // The Elasticsearch of these tests has no API for data streams.
    it.skipIf(folder !== 'opensearch')('finds what was sent before a roll-over, wherever it stands', async () => {
      const stream = 'logs-audit-default';
      await setupWith(['--data-stream', stream]);
      const config = outputConfig('elasticsearch', { url: server.url, dataStream: stream });
      const transport = createTransport(config, { userAgent: 'test', environment: {} });
      const output = createElasticsearchOutput(config, {}, transport);
      const stageTimestamp = new Date().toISOString();
      const batch = batchOf(
        output,
        Array.from({ length: 6 }, (_, at) => auditLine({ auditID: `${at}`, stageTimestamp })),
      );
      const { signal } = new AbortController();
      for (const items of [[0, 2], [3]]) {
        expect(await output.send({ batch, items }, signal)).toEqual({ rejected: [], again: [], duplicates: 0 });
        await ask('POST', `${server.url}/${stream}/_rollover`);
      }
      await ask('POST', `${server.url}/${stream}/_refresh`);
      expect(await output.lookUp?.(wholePart(batch), signal)).toEqual({ known: [0, 2, 3] });
      // So it would be without the question: a second copy.
      expect((await output.send({ batch, items: [0] }, signal)).duplicates).toBe(0);
      await output.close();
      await ask('POST', `${server.url}/${stream}/_refresh`);
      // The query by which the documentation has people find it.
      const [request = '', ...query] = (documented('json').find((text) => text.startsWith('POST ')) ?? '').split('\n');
      const { aggregations } = await ask(
        'POST',
        `${server.url}/${request.split(' ')[1]}`,
        JSON.parse(query.join('\n')),
      );
      const { buckets } = (aggregations as { id: { buckets: { key: string; stage: Copies }[] } }).id;
      expect(buckets.map(({ key }) => key)).toEqual(['0']);
      const copies = buckets[0]?.stage.buckets[0]?.copies.hits.hits ?? [];
      expect(copies).toHaveLength(2);
      expect(new Set(copies.map(({ _id }) => _id)).size).toBe(1);
      expect(new Set(copies.map(({ _index }) => _index)).size).toBe(2);
    });

    it.skipIf(folder !== 'opensearch')(
      'makes a data stream, rolls it over where its mapping changes, and keeps its events',
      async () => {
        const stream = 'logs-made-default';
        const target = ['--data-stream', stream];
        const indices = async (): Promise<number> => {
          const { data_streams: streams } = await ask('GET', `${server.url}/_data_stream/${stream}`);
          return (streams as { indices: unknown[] }[])[0]?.indices.length ?? 0;
        };
        expect(await setupWith([...target, '--dry-run'])).toContain(`+ data stream ${stream} (create)`);
        expect(await setupWith(target)).toContain(`+ data stream ${stream} (create)`);
        expect(await setupWith(target)).not.toMatch(/^ +[+~!?-] /m);
        expect(await indices()).toBe(1);
        expect(await setupWith([...target, '--format', 'ecs'])).toContain(
          `~ data stream ${stream} (change): rolls over`,
        );
        expect(await setupWith([...target, '--format', 'ecs'])).not.toMatch(/^ +[+~!?-] /m);
        expect(await indices()).toBe(2);
        const document = { '@timestamp': '2026-11-23T00:00:00Z' };
        await ask('POST', `${server.url}/${stream}/_doc?refresh=true`, document);
        expect(await setupWith([...target, '--remove'])).toContain('holds 1 events: it stays');
        expect(await indices()).toBe(2);
        expect(await setupWith([...target, '--remove', '--with-events'])).toContain(`- data stream ${stream} (remove)`);
        await expect(indices()).rejects.toThrow('404');
      },
    );

    it('takes every event of it in ECS, and finds what the rules ask for', async () => {
      const name = 'ecs';
      await setup(name, '--format', 'ecs');
      expect(await ship(name, 'ecs')).toEqual([]);
      expect(await found(name, { match_all: {} })).toBe(EVENTS);
      const audit = 'kubernetes.audit';
      const queries = [
        { term: { 'event.dataset': 'kubernetes.audit_logs' } },
        { term: { [`${audit}.annotations.authorization_k8s_io/decision`]: 'allow' } },
        { term: { 'event.outcome': 'success' } },
        { term: { 'source.ip': '127.0.0.0/8' } },
        { match: { [`${audit}.user.groups`]: 'system:masters' } },
        { exists: { field: `${audit}.requestObject.spec.containers.image` } },
        { exists: { field: `${audit}.responseObject.rules.verbs` } },
        { exists: { field: 'container.image.name' } },
        { exists: { field: 'user_agent.original' } },
      ];
      for (const query of queries) {
        const hits = await found(name, query);
        expect(hits, JSON.stringify(query)).toBeGreaterThan(0);
      }
    });
  });
}
