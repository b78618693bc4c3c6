import type { Part } from '../../pipeline/batch.ts';
import type { Again, SendResult } from '../output.ts';
import { allAgain, noAnswer, replyWords, SETTLED, statusReason, tooLarge } from '../send-result.ts';
import type { TransportReply } from '../transport.ts';

const RETRY_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);
const HOLD_STATUS: ReadonlySet<number> = new Set([401, 403, 404, 405, 407]);

/** What became of a part by the status of the answer: a receiver of plain HTTP says nothing of single events. */
export function classify(reply: TransportReply, part: Part): SendResult {
  const { status } = reply;
  if (status === 0) return noAnswer(part, reply);
  if (status >= 200 && status < 300) return SETTLED;
  if (status === 413) return tooLarge(part, reply);
  return allAgain(part, how(status), statusReason(status), replyWords(reply), reply);
}

function how(status: number): Again['how'] {
  if (status >= 500 || RETRY_STATUS.has(status)) return 'retry';
  if (status < 400 || HOLD_STATUS.has(status)) return 'hold';
  return 'suspect';
}

/**
 * The same for OTLP, where a 200 may say that some records were refused, and not which (`partialSuccess.rejectedLogRecords`). Halves are
 * sent until it is known, which stores those that were taken again: a copy is better than an event that nobody misses.
 */
export function classifyOtlp(reply: TransportReply, part: Part): SendResult {
  if (reply.status !== 200) return classify(reply, part);
  const refused = /"rejectedLogRecords":\s*"?([1-9]\d*)/.exec(reply.body.toString('latin1'));
  if (refused === null) return SETTLED;
  const words = replyWords(reply);
  if (part.items.length > 1) return allAgain(part, 'split', 'partial-success', words, reply);
  const rejected = part.items.map(
    (item) => ({ item, status: 200, reason: 'partial-success', words, outcome: 'deadLettered' }) as const,
  );
  return { rejected, again: [], duplicates: 0 };
}
