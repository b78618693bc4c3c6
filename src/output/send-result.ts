import type { Part } from '../pipeline/batch.ts';
import type { Again, SendResult } from './output.ts';
import type { TransportReply } from './transport.ts';
import { words } from './words.ts';

/** Everything was stored. */
export const SETTLED: SendResult = { rejected: [], again: [], duplicates: 0 };

/** The whole part has to be sent again. */
export function allAgain(
  part: Part,
  how: Again['how'],
  reason: string,
  said: string,
  reply: TransportReply,
): SendResult {
  const { status, retryAfterMs } = reply;
  const again = {
    how,
    items: part.items,
    status,
    reason,
    words: said,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return { rejected: [], again: [again], duplicates: 0 };
}

/** No answer came (`status` 0). What a person has to mend is held, anything else may be over in a moment. */
export function noAnswer(part: Part, reply: TransportReply): SendResult {
  const how = reply.reason === 'secret' || reply.reason === 'tls' ? 'hold' : 'retry';
  return allAgain(part, how, reply.reason, reply.words, reply);
}

/** `413`: half of it may pass; of a single event there is no half. */
export function tooLarge(part: Part, reply: TransportReply): SendResult {
  const said = replyWords(reply);
  if (part.items.length > 1) return allAgain(part, 'split', 'too-large', said, reply);
  const rejected = part.items.map(
    (item) => ({ item, status: reply.status, reason: 'too-large', words: said, outcome: 'deadLettered' }) as const,
  );
  return { rejected, again: [], duplicates: 0 };
}

/** What an answer says to a person: its body, or where it points to. */
export function replyWords(reply: TransportReply): string {
  if (reply.status === 0) return reply.words;
  const location = reply.headers['location'];
  if (reply.status >= 300 && reply.status < 400 && location !== undefined) return words(`redirected to ${location}`);
  return words(reply.body);
}

/** `http-503`: the reason of an answer that names none itself. */
export function statusReason(status: number): string {
  return `http-${status}`;
}
