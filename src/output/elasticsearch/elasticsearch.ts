import type { ElasticsearchOutputConfig } from '../../config/schema.ts';
import { destinationOf } from '../destination.ts';
import type { Metadata } from '../metadata.ts';
import type { Part } from '../../pipeline/batch.ts';
import type { Output, SendResult } from '../output.ts';
import { partBody } from '../part-body.ts';
import type { Transport } from '../transport.ts';
import { ecsEncoder, ecsEventBytes } from './ecs.ts';
import { bulkEncoder, bulkEventBytes } from './encode.ts';
import { lookUp } from './look-up.ts';
import { probe } from './probe.ts';
import { classify, FILTER_PATH } from './reply.ts';
import { targetOf } from './target.ts';
import { sendUnindexed } from './unindexed.ts';

/** What the answer to one item may take: a server that ignores `filter_path` repeats index and id, a refusal explains itself. */
const ANSWER_BYTES_PER_ITEM = 4096;
const MAX_ANSWER_BYTES = 32 * 2 ** 20;

/**
 * Elasticsearch 7.17 and later, OpenSearch, and what speaks their `_bulk` (VictoriaLogs). Items are created under the id of their content,
 * so an item that is sent twice is there once. Throws `AUD_CONFIG` where the target makes no sense.
 */
export function createElasticsearchOutput(
  config: ElasticsearchOutputConfig,
  metadata: Metadata,
  transport: Transport,
): Output {
  const target = targetOf(config);
  const isEcs = config.format === 'ecs';
  async function bulk(body: Buffer, part: Part, signal: AbortSignal): Promise<SendResult> {
    const reply = await transport.request(
      {
        method: 'POST',
        path: `/_bulk?filter_path=${FILTER_PATH}`,
        headers: { 'content-type': 'application/x-ndjson' },
        body,
        gzip: config.compression === 'gzip',
        maxAnswerBytes: Math.min(65_536 + part.items.length * ANSWER_BYTES_PER_ITEM, MAX_ANSWER_BYTES),
      },
      signal,
    );
    return classify(reply, part);
  }

  return {
    name: config.name,
    type: config.type,
    destination: destinationOf(config, target.pattern),
    idempotent: true,
    maxBatchBytes: config.batch.maxBytes,
    encode: isEcs ? ecsEncoder(target, metadata) : bulkEncoder(target, metadata),
    eventBytes: isEcs ? ecsEventBytes : bulkEventBytes,
    async send(part, signal) {
      const result = await bulk(partBody(part), part, signal);
      if (result.rejected.length === 0) return result;
      return sendUnindexed(result, part, (body, some) => bulk(body, some, signal));
    },
    ...(target.kind === 'data stream'
      ? { lookUp: (part: Part, signal: AbortSignal) => lookUp(transport, target.pattern, part, signal) }
      : {}),
    probe: (signal) => probe(transport, config, target, signal),
    close: () => transport.close(),
  };
}
