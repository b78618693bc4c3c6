import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AuditWebhook extends AsyncDisposable {
  readonly url: string;
  /** The events that it would have handed to its rules, in order. */
  readonly events: readonly Record<string, unknown>[];
  /** Why it dropped others, behind a 200. */
  readonly dropped: readonly string[];
}

/**
 * A receiver that does what the webhook of Falco's k8saudit plugin does: POST only, a media type that says JSON, bodies up to a bound (a
 * longer one is a 400, not a 413), and the 200 goes out before anything is looked at. What it cannot make an event of is dropped then:
 * a packed body, an event without a time, one that is larger than its own bound.
 */
export async function startAuditWebhook(
  limits = { maxBatchBytes: 12_582_912, maxEventBytes: 262_144 },
): Promise<AuditWebhook> {
  const events: Record<string, unknown>[] = [];
  const dropped: string[] = [];

  function take(body: string): void {
    let payload: unknown;
    try {
      payload = JSON.parse(body);
    } catch {
      dropped.push('no JSON');
      return;
    }
    for (const event of eventsOf(payload)) {
      if (Number.isNaN(Date.parse(String(event['stageTimestamp'])))) dropped.push('no time');
      else if (JSON.stringify(event).length > limits.maxEventBytes) dropped.push('too large');
      else events.push(event);
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const refuse = (status: number, text: string): void => void response.writeHead(status).end(`${text}\n`);
      if (request.method !== 'POST') return refuse(405, `${request.method} method not allowed`);
      if (!request.headers['content-type']?.includes('application/json')) return refuse(400, 'wrong Content Type');
      if (body.length > limits.maxBatchBytes) return refuse(400, 'bad request: http: request body too large');
      response.writeHead(200).end();
      take(body.toString());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/k8s-audit`,
    events,
    dropped,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function eventsOf(payload: unknown): readonly Record<string, unknown>[] {
  if (Array.isArray(payload)) return payload.flatMap(eventsOf);
  const { kind, items } = payload as { kind?: string; items?: Record<string, unknown>[] };
  if (kind === 'EventList') return items ?? [];
  return kind === 'Event' ? [payload as Record<string, unknown>] : [];
}
