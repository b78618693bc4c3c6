import type { Batch, Part } from '../../pipeline/batch.ts';
import type { LookedUp } from '../output.ts';
import { allAgain } from '../send-result.ts';
import type { Transport } from '../transport.ts';
import { jsonOf } from './server.ts';

/** Below `index.max_result_window` (10,000). */
const IDS_PER_REQUEST = 5000;
const ANSWER_BYTES_PER_ID = 128;

/**
 * Which items of a part stand in a data stream already, in whatever index behind it. An `_id` is unique in one index only: what was sent
 * before a crash and again after a roll-over would stand there twice. A search sees what was refreshed (by default, within a second). Where
 * the credentials may not search, or there is nothing to search yet, nothing is known, and everything is sent.
 */
export async function lookUp(
  transport: Transport,
  dataStream: string,
  part: Part,
  signal: AbortSignal,
): Promise<LookedUp> {
  const itemOf = new Map(part.items.map((item) => [idOf(part.batch, item), item]));
  const ids = [...itemOf.keys()];
  const known: number[] = [];
  for (let from = 0; from < ids.length; from += IDS_PER_REQUEST) {
    const values = ids.slice(from, from + IDS_PER_REQUEST);
    const query = { size: values.length, _source: false, track_total_hits: false, query: { ids: { values } } };
    const reply = await transport.request(
      {
        method: 'POST',
        path: `/${encodeURIComponent(dataStream)}/_search?filter_path=hits.hits._id&allow_partial_search_results=false`,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(query)),
        maxAnswerBytes: 65_536 + values.length * ANSWER_BYTES_PER_ID,
      },
      signal,
    );
    if (reply.status === 0 || reply.status === 429 || reply.status >= 500) {
      const { again } = allAgain(part, 'retry', reply.reason === '' ? 'look-up' : reply.reason, saidBy(reply), reply);
      return { known: [], ...(again[0] === undefined ? {} : { again: again[0] }) };
    }
    if (reply.status !== 200) return { known };
    const answer = jsonOf(reply) as { hits?: { hits?: { _id?: string }[] } } | undefined;
    for (const { _id = '' } of answer?.hits?.hits ?? []) {
      const item = itemOf.get(_id);
      // Of copies that are there already, one counts.
      if (item !== undefined && itemOf.delete(_id)) known.push(item);
    }
  }
  return { known: known.sort((a, b) => a - b) };
}

function saidBy({ status, words }: { readonly status: number; readonly words: string }): string {
  return status === 0 ? words : `HTTP ${status} to the search for what was sent before the restart`;
}

/** The last value of the action line. */
function idOf(batch: Batch, item: number): string {
  const start = batch.itemStart(item);
  const end = batch.bytes.indexOf('"}}\n', start, 'latin1');
  return batch.bytes.toString('latin1', batch.bytes.lastIndexOf(QUOTE, end - 1) + 1, end);
}

const QUOTE = 0x22;
