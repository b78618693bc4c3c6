import type { TransportReply } from '../output/transport.ts';
import type { Told } from './receiver.ts';

const MAX_WORDS = 500;

/** How an answer over HTTP is to be taken, by all receivers alike. */
export function toldBy(reply: TransportReply): Told {
  const { status, retryAfterMs } = reply;
  if (status >= 200 && status < 300) return { outcome: 'told' };
  const words = status === 0 ? reply.words : reply.body.toString('utf8').slice(0, MAX_WORDS).toWellFormed();
  const reason = status === 0 ? reply.reason : `http-${status}`;
  const after = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 0) {
    const mend = reply.reason === 'secret' || reply.reason === 'tls';
    return { outcome: mend ? 'hold' : 'retry', reason, words, status, ...after };
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { outcome: 'retry', reason, words, status, ...after };
  }
  // Credentials or an address that somebody has to mend; a redirect is an address, too.
  if (status === 401 || status === 403 || status === 404 || status === 405 || status === 410 || status < 400) {
    return { outcome: 'hold', reason, words, status };
  }
  return { outcome: 'refused', reason, words, status };
}
