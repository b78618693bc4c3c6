import type { Metadata } from '../../../src/output/metadata.ts';
import { createLokiOutput } from '../../../src/output/loki/loki.ts';
import type { Output, Reduced, Refusal } from '../../../src/output/output.ts';
import type { Transport, TransportReply, TransportRequest } from '../../../src/output/transport.ts';
import { type Batch, BatchBuilder } from '../../../src/pipeline/batch.ts';
import { outputConfig } from '../support/network-output.ts';
import type { Event } from '../../../src/event/event.ts';
import { auditEvent } from './audit-event.ts';

export function lokiConfig(settings: Readonly<Record<string, unknown>> = {}) {
  return outputConfig('loki', { url: 'http://loki:3100', ...settings });
}

/** What a receiver on the wire says: one answer after the other, and 204 once they are all said. */
export class ScriptedTransport implements Transport {
  readonly requests: TransportRequest[] = [];
  closed = false;
  readonly #replies: TransportReply[];

  constructor(...replies: TransportReply[]) {
    this.#replies = replies;
  }

  request(request: TransportRequest): Promise<TransportReply> {
    this.requests.push(request);
    return Promise.resolve(this.#replies.shift() ?? answer(204));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

export function answer(status: number, text = ''): TransportReply {
  return { status, headers: {}, body: Buffer.from(text), complete: true, reason: '', words: '' };
}

export function loki(
  transport: Transport,
  settings: Readonly<Record<string, unknown>> = {},
  metadata: Metadata = {},
): Output {
  return createLokiOutput(lokiConfig(settings), metadata, transport, () => Date.parse('2026-11-23T05:05:00Z'));
}

type Read = (bytes: Buffer, start: number, end: number) => Event;

/** The batch that an output makes of lines, and what `encode` said of each of them. `read` looks at an event. */
export function encoded(output: Output, lines: readonly (string | Buffer)[], read: Read = auditEvent) {
  const builder = new BatchBuilder(256);
  const outcomes: (Refusal | Reduced | null)[] = [];
  for (const line of lines) {
    // Each line stands amid other bytes, as in the reader's buffer.
    const bytes = Buffer.concat([Buffer.from('xx'), Buffer.from(line), Buffer.from('\nyy')]);
    const [start, end] = [2, bytes.length - 3];
    const itemStart = builder.length;
    const outcome = output.encode(read(bytes, start, end), { bytes, start, end }, builder);
    outcomes.push(outcome);
    if (outcome !== null && 'reason' in outcome) builder.undo(itemStart);
    else builder.add(itemStart, 0);
  }
  const batch: Batch = builder.seal('0'.repeat(32), 'kube', { segment: 's', from: 0, to: 1 });
  return { batch, outcomes };
}

export function whole(batch: Batch) {
  return { batch, items: Array.from({ length: batch.count }, (_, item) => item) };
}
