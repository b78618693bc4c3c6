import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../../src/cli/program.ts';
import { type Cluster, startCluster } from './cluster.ts';

const STREAM = ['--data-stream', 'logs-audit-default'];
const TEMPLATE = '/_index_template/auditail-logs-audit-default';
const ILM = '/_ilm/policy/auditail-logs-audit-default';
const ISM = '/_plugins/_ism/policies/auditail-logs-audit-default';

async function setup(cluster: Cluster, ...args: readonly string[]): Promise<{ exit: number; text: string }> {
  const lines: string[] = [];
  const terminal = {
    print: (text: string) => void lines.push(text),
    complain: (text: string) => void lines.push(text),
    write: async () => undefined,
    draw: () => undefined,
    isLive: false,
    columns: 80,
    rows: 24,
    style: (_: unknown, text: string) => text,
  };
  const network = ['--stdin', '--output', 'elasticsearch', '--url', cluster.url];
  const exit = await runProgram(['setup', ...network, ...args], { terminal, environment: {}, version: '0.0.0' });
  return { exit, text: lines.join('\n') };
}

function count(events: number) {
  return { 'GET /logs-audit-default/_count': { status: 200, body: `{"count":${events}}` } };
}

describe.each([
  { kind: 'elasticsearch', policy: ILM, body: 'flattened' },
  { kind: 'opensearch', policy: ISM, body: 'flat_object' },
] as const)('setup on $kind', ({ kind, policy, body }) => {
  it('makes policy, template and data stream, in this order, and nothing the second time', async () => {
    await using cluster = await startCluster(kind);
    expect(await setup(cluster, ...STREAM)).toMatchObject({ exit: 0 });
    const made = [`PUT ${policy}`, `PUT ${TEMPLATE}`, 'PUT /_data_stream/logs-audit-default'];
    expect(cluster.changes()).toEqual(made);
    expect(cluster.kept.get(TEMPLATE)).toMatchObject({
      index_patterns: ['logs-audit-default'],
      data_stream: {},
      template: { mappings: { dynamic: 'false', properties: { requestObject: { type: body } } } },
    });
    const again = await setup(cluster, ...STREAM);
    expect(again.text).not.toMatch(/^ +[+~-]/m);
    expect(cluster.changes()).toEqual(made);
  });

  it('shows with --dry-run what it would do, and does nothing', async () => {
    await using cluster = await startCluster(kind);
    const { exit, text } = await setup(cluster, ...STREAM, '--dry-run');
    expect({ exit, changes: cluster.changes() }).toEqual({ exit: 0, changes: [] });
    expect(text).toContain(`+ template.mappings.properties.requestObject.type: "${body}"`);
    expect(text).toContain('+ data stream logs-audit-default (create)');
  });

  it('puts back what somebody changed, and says what that was', async () => {
    await using cluster = await startCluster(kind);
    await setup(cluster, ...STREAM);
    const template = cluster.kept.get(TEMPLATE) as { template: { mappings: { properties: Record<string, unknown> } } };
    template.template.mappings.properties['verb'] = { type: 'text' };
    template.template.mappings.properties['mine'] = { type: 'long' };
    const { text } = await setup(cluster, ...STREAM);
    expect(text).toContain('- template.mappings.properties.verb.type: "text"');
    expect(text).toContain('+ template.mappings.properties.verb.type: "keyword"');
    expect(text).toContain('- template.mappings.properties.mine.type: "long"');
    expect(cluster.changes().slice(3)).toEqual([`PUT ${TEMPLATE}`]);
  });

  it('leaves alone what somebody else made under the same name', async () => {
    await using cluster = await startCluster(kind);
    cluster.kept.set(TEMPLATE, { index_patterns: ['logs-audit-default'], template: { settings: {}, mappings: {} } });
    const { exit, text } = await setup(cluster, ...STREAM);
    expect(exit).toBe(1);
    expect(text).toContain(`index template auditail-logs-audit-default (refused): somebody else made one`);
    expect(cluster.changes()).not.toContain(`PUT ${TEMPLATE}`);
  });

  it('rolls a data stream over whose index has another mapping', async () => {
    await using cluster = await startCluster(kind);
    await setup(cluster, ...STREAM);
    cluster.kept.set('/logs-audit-default/_mapping', {
      '.ds-logs-audit-default-2026.11.22-000001': { mappings: {} },
      '.ds-logs-audit-default-2026.11.23-000002': { mappings: { properties: { verb: { type: 'text' } } } },
    });
    const { text } = await setup(cluster, ...STREAM);
    expect(text).toContain('- verb: text');
    expect(cluster.changes().at(-1)).toBe('POST /logs-audit-default/_rollover');
  });

  it('keeps a data stream that holds events, and takes away one that holds none', async () => {
    await using full = await startCluster(kind, [], count(3));
    await setup(full, ...STREAM);
    const refused = await setup(full, ...STREAM, '--remove');
    expect(refused.exit).toBe(1);
    expect(refused.text).toContain('holds 3 events: it stays');
    expect(full.kept.size).toBe(3);
    expect((await setup(full, ...STREAM, '--remove', '--with-events')).exit).toBe(0);
    expect(full.kept.size).toBe(0);

    await using empty = await startCluster(kind, [], count(0));
    await setup(empty, ...STREAM);
    expect((await setup(empty, ...STREAM, '--remove')).exit).toBe(0);
    expect(empty.kept.size).toBe(0);
  });

  it('does without what the server does not have, and says so', async () => {
    await using cluster = await startCluster(kind, ['/_ilm', '/_plugins', '/_data_stream']);
    const { exit, text } = await setup(cluster, ...STREAM);
    expect({ exit, changes: cluster.changes() }).toEqual({ exit: 0, changes: [`PUT ${TEMPLATE}`] });
    expect(text).toMatch(/this server has no (ILM|ISM): nothing rolls over or ends by itself/);
    expect(JSON.stringify(cluster.kept.get(TEMPLATE))).not.toContain('lifecycle');
  });

  it('stops at what the server refuses, with the words of the server', async () => {
    const refusal = '{"error":{"type":"illegal_argument_exception","reason":"multiple index templates may not match"}}';
    await using cluster = await startCluster(kind, [], { [`PUT ${TEMPLATE}`]: { status: 400, body: refusal } });
    const { exit, text } = await setup(cluster, ...STREAM);
    expect(exit).toBe(1);
    expect(text).toContain('multiple index templates may not match');
    expect(cluster.kept.has('/_data_stream/logs-audit-default')).toBe(false);
  });

  it('matches the indices of all days, and makes none', async () => {
    await using cluster = await startCluster(kind);
    await setup(cluster, '--index', 'audit-{yyyy.MM.dd}');
    expect(cluster.changes()).toEqual(['PUT /_index_template/auditail-audit']);
    expect(cluster.kept.get('/_index_template/auditail-audit')).toMatchObject({ index_patterns: ['audit-*'] });
  });
});

it('knows a server of version 7 that takes an API it lacks for an index', async () => {
  const error = { type: 'index_not_found_exception', reason: 'no such index [_ilm]', index: '_ilm' };
  const reply = { status: 404, body: JSON.stringify({ error, status: 404 }) };
  await using cluster = await startCluster('elasticsearch', [], { [`GET ${ILM}`]: reply });
  const { exit, text } = await setup(cluster, ...STREAM);
  expect(exit).toBe(0);
  expect(text).toContain('this server has no ILM');
});

it('a wrong address is said in one sentence', async () => {
  await using cluster = await startCluster('elasticsearch', [], { 'GET /': { status: 200, body: 'hello' } });
  const { exit, text } = await setup(cluster, ...STREAM);
  expect(exit).toBe(1);
  expect(text).toContain('neither Elasticsearch nor OpenSearch');
});
