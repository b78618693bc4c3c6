import type { Part } from '../../pipeline/batch.ts';
import type { Again, Rejection, SendResult } from '../output.ts';
import { allAgain, noAnswer, replyWords, SETTLED, statusReason, tooLarge } from '../send-result.ts';
import type { TransportReply } from '../transport.ts';
import { words } from '../words.ts';

/** What a `_bulk` request asks the answer to be cut to. */
export const FILTER_PATH = 'took,errors,items.*.status,items.*.error.type,items.*.error.reason';

/** Whole-request refusals that no other content would change: method, media type, length, authorization, path. */
const HOLD_STATUS: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 406, 407, 410, 411, 415, 451]);
const RETRY_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Item errors with a status that would condemn the event, though the fault is the target's: somebody has to mend it. Types and texts as
 * Elasticsearch 7.17, 8.19 and 9.2 and OpenSearch 2.19 and 3.4 give them.
 */
const HOLD_TYPES: ReadonlySet<string> = new Set([
  'cluster_block_exception',
  'index_closed_exception',
  'index_not_found_exception',
  'invalid_alias_name_exception',
  'invalid_index_name_exception',
  'invalid_index_template_exception',
  'security_exception',
]);
/** Each from its first letter: further on stands what a client wrote, such as the name of a key, and that must not hold an output. */
const HOLD_TEXTS =
  /^(?:pipeline with id \[.*\] does not exist|no write index is defined for alias|(?:Validation Failed: 1: )?this (?:action|cluster)[^']*maximum (?:normal |frozen )?shards open|remoteAddr: [^;]*; requestURI: [^;]*; unsupported path requested: )/s;

/**
 * What became of a part by the answer to its `_bulk` request. Elasticsearch and OpenSearch answer 200 and say item by item what they
 * stored; VictoriaLogs answers 200 with nothing at all when one document spoils the request, and whatever stood before it is stored.
 */
export function classify(reply: TransportReply, part: Part): SendResult {
  const { status } = reply;
  if (status === 0) return noAnswer(part, reply);
  if (status === 200) return classifyItems(reply, part);
  if (status === 413) return tooLarge(part, reply);

  const { type, said } = wholeError(reply);
  const reason = type === '' ? statusReason(status) : type;
  return allAgain(part, howWhole(status, type, said), reason, said, reply);
}

function howWhole(status: number, type: string, said: string): Again['how'] {
  if (status >= 500 || RETRY_STATUS.has(status)) return 'retry';
  if (status >= 300 && status < 400) return 'hold';
  if (HOLD_STATUS.has(status) || HOLD_TYPES.has(type) || HOLD_TEXTS.test(said)) return 'hold';
  return 'suspect';
}

function classifyItems(reply: TransportReply, part: Part): SendResult {
  const sent = part.items.length;
  if (reply.complete && allStored(reply.body, sent)) return SETTLED;
  if (!reply.complete) return allAgain(part, 'suspect', 'long-answer', 'the answer is too long to be read', reply);
  if (reply.body.length === 0)
    return allAgain(part, 'suspect', 'short-answer', `the answer is empty; ${sent} items were sent`, reply);
  const items = itemsOf(reply.body);
  if (items === undefined) return allAgain(part, 'suspect', 'nonsense-answer', replyWords(reply), reply);
  if (items.length < sent) {
    return allAgain(part, 'suspect', 'short-answer', `the answer has ${items.length} items; ${sent} were sent`, reply);
  }
  if (items.length > sent) {
    return allAgain(
      part,
      'suspect',
      'nonsense-answer',
      `the answer has ${items.length} items; only ${sent} were sent`,
      reply,
    );
  }
  return settleItems(items, reply, part);
}

/**
 * The common case without parsing: `"errors":false`, and as many statuses of 2xx as there were items. In a JSON text these bytes
 * can't be part of a string's content, where the quotes would be escaped.
 */
function allStored(body: Buffer, sent: number): boolean {
  const text = body.toString('latin1');
  if (!text.includes('"errors":false') || !text.trimEnd().endsWith(']}')) return false;
  let count = 0;
  for (let at = text.indexOf('"status":'); at !== -1; at = text.indexOf('"status":', at + 9)) {
    if (text.charCodeAt(at + 9) !== 0x32) return false;
    count += 1;
  }
  return count === sent;
}

interface ItemAnswer {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

function itemsOf(body: Buffer): readonly ItemAnswer[] | undefined {
  const answer = parse(body);
  if (!isRecord(answer) || !Array.isArray(answer['items'])) return undefined;
  const items: ItemAnswer[] = [];
  for (const entry of answer['items']) {
    const item: unknown = isRecord(entry) ? Object.values(entry)[0] : undefined;
    if (!isRecord(item) || typeof item['status'] !== 'number') return undefined;
    items.push({ status: item['status'], ...errorOf(item['error']) });
  }
  return items;
}

function settleItems(answers: readonly ItemAnswer[], reply: TransportReply, part: Part): SendResult {
  const rejected: Rejection[] = [];
  const groups = new Map<string, { again: Again; items: number[] }>();
  let duplicates = 0;
  for (const [at, answer] of answers.entries()) {
    const item = part.items[at] as number;
    const { status } = answer;
    if (status >= 200 && status < 300) continue;
    if (status === 409) {
      duplicates += 1;
      continue;
    }
    const how = howItem(answer);
    const reason = answer.type === '' ? statusReason(status) : answer.type;
    if (how === 'reject') {
      rejected.push({ item, status, reason, words: explain(answer), outcome: 'deadLettered' });
      continue;
    }
    const key = `${how} ${status} ${reason}`;
    let group = groups.get(key);
    if (group === undefined) {
      const items: number[] = [];
      const after = reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs };
      group = { items, again: { how, items, status, reason, words: explain(answer), ...after } };
      groups.set(key, group);
    }
    group.items.push(item);
  }
  return { rejected, again: [...groups.values()].map((group) => group.again), duplicates };
}

function howItem({ status, type, reason }: ItemAnswer): 'retry' | 'hold' | 'reject' | 'suspect' {
  if (status >= 500 || RETRY_STATUS.has(status)) return 'retry';
  if (HOLD_STATUS.has(status) || HOLD_TYPES.has(type) || HOLD_TEXTS.test(reason)) return 'hold';
  return status >= 400 ? 'reject' : 'suspect';
}

/** The server quotes the value that it could not take: that is the trail's content, and has no place in a log or a metric. */
function explain({ type, reason }: ItemAnswer): string {
  const withoutContent = reason
    .replace(/\. Preview of field's value: .*$/s, '')
    .replace(/(prefix of the first immense term is: ).*$/s, '$1…');
  return words(type === '' ? withoutContent : `${type}: ${withoutContent}`);
}

/** The error of a whole request: `{"error":{"type":…,"reason":…}}`, or whatever a proxy put in its place. */
function wholeError(reply: TransportReply): { readonly type: string; readonly said: string } {
  const answer = parse(reply.body);
  if (!isRecord(answer) || answer['error'] === undefined) return { type: '', said: replyWords(reply) };
  const { type, reason } = errorOf(answer['error']);
  return { type, said: explain({ status: reply.status, type, reason }) };
}

function errorOf(error: unknown): { type: string; reason: string } {
  if (typeof error === 'string') return { type: '', reason: error };
  if (!isRecord(error)) return { type: '', reason: '' };
  const { type, reason } = error;
  return {
    type: typeof type === 'string' && /^[\w.-]{1,80}$/.test(type) ? type : '',
    reason: typeof reason === 'string' ? reason : '',
  };
}

/** The value of a JSON text; `undefined` where it is none, which is an answer like any other here. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
