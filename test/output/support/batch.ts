import type { Output, Refusal } from '../../../src/output/output.ts';
import { type Batch, BatchBuilder, type Part } from '../../../src/pipeline/batch.ts';
import { plainEvent } from './plain-event.ts';

export const KEY = '0123456789abcdef0123456789abcdef';

/** An audit event as the API server writes it, with whatever else a test needs. */
export function auditLine(more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: '5c8c6f5e-0000-4000-8000-000000000000',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/nodes',
    verb: 'list',
    stageTimestamp: '2026-11-23T05:04:24.987123Z',
    ...more,
  });
}

/** The batch that an output makes of lines. Refused ones are left out, and noted in `refusals`. */
export function batchOf(
  output: Pick<Output, 'encode'>,
  lines: readonly (string | Buffer)[],
  refusals: Refusal[] = [],
): Batch {
  const builder = new BatchBuilder(1024);
  let offset = 0;
  for (const line of lines) {
    // Each line stands amid other bytes, as in the reader's buffer.
    const bytes = Buffer.concat([Buffer.from('xx'), Buffer.from(line), Buffer.from('\nyy')]);
    const raw = { bytes, start: 2, end: bytes.length - 3 };
    const own = plainEvent(bytes.subarray(2, bytes.length - 3));
    const itemStart = builder.length;
    const outcome = output.encode(own, raw, builder);
    if (outcome !== null && 'reason' in outcome) {
      builder.undo(itemStart);
      refusals.push(outcome);
    } else builder.add(itemStart, offset);
    offset += raw.end - raw.start + 1;
  }
  return builder.seal(KEY, 'kube', { segment: 'segment', from: 0, to: offset });
}

export function wholePart(batch: Batch): Part {
  return { batch, items: Array.from({ length: batch.count }, (_, item) => item) };
}
