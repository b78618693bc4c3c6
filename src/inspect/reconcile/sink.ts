import type { ElasticsearchOutputConfig, LokiOutputConfig, Metadata, OutputConfig } from '../../config/schema.ts';
import { jsonOf } from '../../output/elasticsearch/server.ts';
import { patternOf, targetOf } from '../../output/elasticsearch/target.ts';
import type { TransportOptions } from '../../output/http-transport.ts';
import { createTransport } from '../../output/http-transport.ts';
import { streamLabels } from '../../output/loki/labels.ts';
import { replyWords } from '../../output/send-result.ts';
import type { Transport } from '../../output/transport.ts';
import type { Asked } from './api-server.ts';
import type { Window } from './log-count.ts';

const LIMIT_MS = 120_000;

/**
 * How many events of the window a receiver has, by its own count. Where the configuration names the node, only what
 * came from it. `null`: a receiver of this kind cannot be asked.
 */
export async function countInSink(
  config: OutputConfig,
  metadata: Metadata,
  window: Window,
  options: TransportOptions,
): Promise<Asked<number> | null> {
  if (config.type !== 'elasticsearch' && config.type !== 'loki') return null;
  const transport = createTransport(config, options);
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    if (config.type === 'loki') return await countInLoki(transport, config, metadata, window, signal);
    return await countInIndex(transport, config, metadata, window, signal);
  } finally {
    await transport.close();
  }
}

async function countInIndex(
  transport: Transport,
  config: ElasticsearchOutputConfig,
  metadata: Metadata,
  { fromMs, toMs }: Window,
  signal: AbortSignal,
): Promise<Asked<number>> {
  const pattern = encodeURIComponent(patternOf(targetOf(config)));
  // What came in a moment ago is found only then. Without the right to ask for it, it is found a second later.
  await transport.request({ method: 'POST', path: `/${pattern}/_refresh` }, signal);
  const range = { '@timestamp': { gte: iso(fromMs), lt: iso(toMs), format: 'strict_date_optional_time' } };
  const body = JSON.stringify({ query: { bool: { filter: [{ range }, ...ofNode(metadata)] } } });
  const headers = { 'content-type': 'application/json' };
  const reply = await transport.request(
    { method: 'POST', path: `/${pattern}/_count?allow_no_indices=true`, body: Buffer.from(body), headers },
    signal,
  );
  if (reply.status !== 200) return { ok: false, words: `HTTP ${reply.status}: ${replyWords(reply)}` };
  const answer = jsonOf(reply) as { count?: unknown; _shards?: { failed?: unknown } } | undefined;
  if (typeof answer?.count !== 'number') return { ok: false, words: 'its answer has no count' };
  if (answer._shards?.failed !== 0)
    return { ok: false, words: `${String(answer._shards?.failed)} shards did not count` };
  return { ok: true, value: answer.count };
}

/** In a mapping that auditail did not make, the field is text with a keyword beside it. */
function ofNode({ node }: Metadata): readonly unknown[] {
  if (node === undefined || node === '') return [];
  const should = ['auditail.node', 'auditail.node.keyword'].map((field) => ({ term: { [field]: node } }));
  return [{ bool: { should, minimum_should_match: 1 } }];
}

async function countInLoki(
  transport: Transport,
  { labels }: LokiOutputConfig,
  metadata: Metadata,
  { fromMs, toMs }: Window,
  signal: AbortSignal,
): Promise<Asked<number>> {
  const selector = streamLabels(labels, metadata)[0] ?? '{}';
  // A range ends with its instant and begins behind its start: one nanosecond earlier it is what the window is.
  const query = `sum(count_over_time(${selector}[${Math.ceil(toMs) - Math.ceil(fromMs)}ms]))`;
  const time = `${BigInt(Math.ceil(toMs)) * 1_000_000n - 1n}`;
  const path = `/loki/api/v1/query?query=${encodeURIComponent(query)}&time=${time}`;
  const reply = await transport.request({ method: 'GET', path }, signal);
  if (reply.status !== 200) return { ok: false, words: `HTTP ${reply.status}: ${replyWords(reply)}` };
  const answer = jsonOf(reply) as { data?: { result?: readonly { value?: readonly unknown[] }[] } } | undefined;
  const result = answer?.data?.result;
  if (!Array.isArray(result)) return { ok: false, words: 'its answer has no result' };
  const first = result[0] as { value?: readonly unknown[] } | undefined;
  const count = Number(first?.value?.[1] ?? 0);
  return Number.isFinite(count) ? { ok: true, value: count } : { ok: false, words: 'its answer has no number' };
}

function iso(ms: number): string {
  return new Date(Math.ceil(ms)).toISOString();
}
