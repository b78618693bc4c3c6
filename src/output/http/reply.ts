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
