import type { Transport } from '../output/transport.ts';
import { documentOf, type Origin } from './document.ts';
import { toldBy } from './http-answer.ts';
import type { Receiver } from './receiver.ts';

/** POSTs each notification as one JSON document; a second sending of it carries the same `Idempotency-Key`. */
export function createWebhook(name: string, transport: Transport, origin: Origin): Receiver {
  return {
    name,
    type: 'webhook',
    async tell(notification, signal) {
      const body = Buffer.from(JSON.stringify(documentOf(notification, origin)));
      const headers = { 'content-type': 'application/json', 'idempotency-key': notification.id };
      return toldBy(await transport.request({ method: 'POST', path: '', headers, body }, signal));
    },
    close: () => transport.close(),
  };
}
