import { arrayItems } from './content.ts';
import { decodeLokiPush, readLokiJson } from './loki-push.ts';
import { type Answer, type DeliveredEvent, JSON_TYPE, lines, type Protocol } from './protocol.ts';

/** Elasticsearch's `_bulk` with `create`: an answer for each item, 409 for an `_id` that is there. */
export const bulkProtocol: Protocol = {
  refusesKnownKeys: true,
  read({ body, path }) {
    if (body.at(-1) !== 0x0a) throw new TypeError('The bulk request must be terminated by a newline [\\n]');
    const all = lines(body);
    const fromPath = /^\/([^/]+)\/_bulk/.exec(path)?.[1];
    const events: DeliveredEvent[] = [];
    for (let at = 0; at < all.length; at += 2) {
      const [action, document] = [all[at] as Buffer, all[at + 1]];
      const { create } = JSON.parse(action.toString()) as { create?: { _index?: string; _id?: string } };
      if (create === undefined) throw new TypeError(`Malformed action/metadata line [${at + 1}], expected create`);
      if (document === undefined) throw new TypeError('an action without a document');
      const index = create._index ?? fromPath;
      if (index === undefined) throw new TypeError('index is missing');
      events.push({ bytes: document, key: create._id === undefined ? '' : `${index}/${create._id}` });
    }
    return events;
  },
  answer(items, { path }) {
    const short = path.includes('filter_path=');
    const rows = items.map(({ status, type, reason }) => ({
      create: {
        ...(short ? {} : { _index: 'audit', _id: 'x' }),
        status,
        ...(type === undefined ? {} : { error: { type, reason: reason ?? type } }),
      },
    }));
    const body = { errors: items.some(({ status }) => status >= 300), took: 1, items: rows };
    return { status: 200, headers: ELASTIC, body: JSON.stringify(body) };
  },
  refusal(status) {
    const [type, reason] = ELASTIC_REFUSALS[status] ?? ['exception', 'refused on demand'];
    return { status, headers: ELASTIC, body: JSON.stringify({ error: { type, reason }, status }) };
  },
};

/** Loki's push: 204 without a body; refusals are plain text. */
export const lokiProtocol: Protocol = {
  refusesKnownKeys: false,
  read({ body, headers }) {
    const entries = /json/.test(headers['content-type'] ?? '') ? readLokiJson(body) : decodeLokiPush(body);
    return entries.map(({ line }) => ({ bytes: line, key: '' }));
  },
  answer: () => ({ status: 204, headers: {}, body: '' }),
  refusal: (status) => plain(status, status === 429 ? 'ingestion rate limit exceeded' : 'refused on demand\n'),
};

/** Anything that takes newline-delimited JSON, a JSON array, or the EventList of an audit webhook. */
export const httpProtocol: Protocol = {
  refusesKnownKeys: false,
  read({ body, headers }) {
    if (/ndjson|json-?l|text\/plain/.test(headers['content-type'] ?? '')) return lines(body).map(withoutKey);
    const list = /^\s*\{[^[]*"items":/.exec(body.toString('latin1', 0, 200));
    const items = arrayItems(list === null ? body : body.subarray(list[0].length, body.lastIndexOf(0x7d)));
    if (items === undefined) throw new TypeError('neither an array nor an EventList');
    return items.map(withoutKey);
  },
  answer: () => ({ status: 200, headers: JSON_TYPE, body: '{}' }),
  refusal: (status) => plain(status, 'refused on demand\n'),
};

const ELASTIC = { ...JSON_TYPE, 'x-elastic-product': 'Elasticsearch' };

/** Types and reasons as Elasticsearch 8 gives them. */
const ELASTIC_REFUSALS: Readonly<Record<number, readonly [string, string]>> = {
  400: ['illegal_argument_exception', 'Malformed action/metadata line'],
  401: ['security_exception', 'missing authentication credentials for REST request'],
  403: ['security_exception', 'action [indices:data/write/bulk] is unauthorized'],
  404: ['index_not_found_exception', 'no such index [audit]'],
  429: ['es_rejected_execution_exception', 'rejected execution of coordinating operation'],
};

function plain(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

function withoutKey(bytes: Buffer): DeliveredEvent {
  return { bytes, key: '' };
}
