import type { Part } from '../../pipeline/batch.ts';
import type { Again, SendResult } from '../output.ts';
import { allAgain, noAnswer, replyWords, SETTLED, statusReason, tooLarge } from '../send-result.ts';
import type { TransportReply } from '../transport.ts';
import { partlyRefused } from './refused.ts';

/** How much of an answer has to be read: it may hold a sentence for every entry of the push. */
export const MAX_ANSWER_BYTES = 4 * 2 ** 20;

/** Whole-push refusals that no other content would change: method, authorization, path, media type. */
const HOLD_STATUS: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 406, 407, 410, 411, 415, 451]);

/** What a 400 says where the labels, the tenant or the limits are at fault, not an entry. Labels come from the configuration alone. */
const HOLD_TEXTS: readonly (readonly [RegExp, string])[] = [
  [
    /couldn't parse labels|error parsing labels|at least one label pair|\d+ label names; limit|label (?:name|value) too long|duplicate label name|stream labels size/,
    'labels',
  ],
  [/missing required labels/, 'labels-missing'],
  [/structured metadata, but this feature is disallowed/, 'metadata-disallowed'],
  [/ingestion blocked for user/, 'blocked'],
  [/no org id|(?:multiple|invalid) (?:org|tenant) ids?|tenant ID/i, 'tenant'],
];

const RATE_LIMIT = /ingestion rate limit exceeded .*\(limit: (\d+) bytes\/sec\).* totaling '(\d+)' bytes/s;
const STREAM_RATE_LIMIT = /Per stream rate limit exceeded \(limit: (\d+)([KMGTPE]?)B\/sec\)/;

/**
 * What became of one stream's push by Loki's answer. Bodies are plain text, or whatever a proxy says. Pure: rows and texts are those of
 * Loki 3.7.8.
 */
export function classify(reply: TransportReply, part: Part): SendResult {
  const { status } = reply;
  if (status === 0) return noAnswer(part, reply);
  if (status === 204 || (status === 200 && reply.body.length === 0)) return SETTLED;
  if (status === 413) return tooLarge(part, reply);
  if (status < 400 || HOLD_STATUS.has(status))
    return again(part, 'hold', status < 300 ? 'not-loki' : statusReason(status), reply);

  const text = reply.body.toString('utf8');
  if (status === 429) return limited(text, reply, part);
  // A push that the distributor cannot hand on to an ingester: the only 5xx that no waiting cures.
  if (status >= 500 && /message larger than max/.test(text)) return tooLarge(part, reply);
  if (status >= 500 || status === 408 || status === 425) return again(part, 'retry', statusReason(status), reply);

  const hold = HOLD_TEXTS.find(([pattern]) => pattern.test(text));
  if (hold !== undefined) return again(part, 'hold', hold[1], reply);
  if (status === 400) {
    const result = partlyRefused(text, reply.complete, status, part);
    if (result !== null) return result;
  }
  return again(part, 'suspect', statusReason(status), reply);
}

/** A 429: which limit, and how long it takes for so many bytes to pass below it. */
function limited(text: string, reply: TransportReply, part: Part): SendResult {
  const rate = RATE_LIMIT.exec(text);
  if (rate !== null) return overRate(part, reply, 'rate-limit', Number(rate[1]), Number(rate[2]));
  const stream = STREAM_RATE_LIMIT.exec(text);
  if (stream !== null) {
    const limit = Number(stream[1]) * 1024 ** ' KMGTPE'.indexOf(stream[2] || ' ');
    return overRate(part, reply, 'stream-rate-limit', limit, encodedBytes(part));
  }
  if (text.includes('maximum active stream limit exceeded')) return again(part, 'hold', 'stream-limit', reply);
  if (text.includes('ingestion blocked for user')) return again(part, 'hold', 'blocked', reply);
  return again(part, 'retry', statusReason(reply.status), reply);
}

/**
 * Nothing of a push over the tenant's rate was stored. Over a stream's rate, nothing either with Loki's default of
 * sharding streams; without it the first entries may have been, and are sent again all the same, as the answer hides which other entries
 * were refused for good: a copy is hidden in log queries, a missing event is not to be had again.
 *
 * The burst that a single push must not exceed is not in the text. A push of more than a second's worth is split: a smaller one passes
 * under every burst that lets anything pass, and it loses nothing where it had passed as well.
 */
function overRate(part: Part, reply: TransportReply, reason: string, limit: number, bytes: number): SendResult {
  if (limit <= 0) return again(part, 'hold', reason, reply);
  if (bytes > limit) return again(part, part.items.length > 1 ? 'split' : 'suspect', reason, reply);
  const retryAfterMs = reply.retryAfterMs ?? Math.max(1, Math.ceil((bytes / limit) * 1000));
  return again(part, 'retry', reason, { ...reply, retryAfterMs });
}

function again(part: Part, how: Again['how'], reason: string, reply: TransportReply): SendResult {
  return allAgain(part, how, reason, replyWords(reply), reply);
}

function encodedBytes({ batch, items }: Part): number {
  return items.reduce((sum, item) => sum + batch.itemEnd(item) - batch.itemStart(item), 0);
}
