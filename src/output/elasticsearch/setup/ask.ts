import type { Transport, TransportReply, TransportRequest } from '../../transport.ts';
import { jsonOf } from '../server.ts';
import { isRecord } from './difference.ts';

export type Ask = (method: TransportRequest['method'], path: string, body?: unknown) => Promise<TransportReply>;

/** The set-up APIs of a server, as JSON. */
export function askerOf(transport: Transport, signal: AbortSignal): Ask {
  return (method, path, body) =>
    transport.request(
      {
        method,
        path,
        maxAnswerBytes: 8 * 2 ** 20,
        ...(body === undefined
          ? {}
          : { body: Buffer.from(JSON.stringify(body)), headers: { 'content-type': 'application/json' } }),
      },
      signal,
    );
}

/**
 * A server that lacks an API says so in a plain sentence (`no handler found for uri …`), or, before version 8, takes its name for that of an
 * index; a thing that is not there has a type.
 */
export function lacksApi(reply: TransportReply): boolean {
  if (reply.status !== 400 && reply.status !== 404 && reply.status !== 405) return false;
  const answer = jsonOf(reply);
  const error = isRecord(answer) ? answer['error'] : undefined;
  if (!isRecord(answer) || typeof error === 'string') return true;
  return isRecord(error) && String(error['index'] ?? '').startsWith('_');
}
