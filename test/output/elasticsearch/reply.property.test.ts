import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { classify } from '../../../src/output/elasticsearch/reply.ts';
import type { TransportReply } from '../../../src/output/transport.ts';
import type { Part } from '../../../src/pipeline/batch.ts';
import { BatchBuilder } from '../../../src/pipeline/batch.ts';

const batch = new BatchBuilder(0).seal('0'.repeat(32), 'kube', { segment: 's', from: 0, to: 0 });

function partOf(count: number): Part {
  return { batch, items: Array.from({ length: count }, (_, place) => place * 3 + 7) };
}

function answer(status: number, body: string | Uint8Array): TransportReply {
  return { status, headers: {}, body: Buffer.from(body as string), complete: true, reason: '', words: '' };
}

const status = fc.constantFrom(200, 201, 400, 401, 403, 404, 409, 413, 429, 500, 503);
const error = fc.record({
  type: fc.constantFrom('mapper_parsing_exception', 'cluster_block_exception', ''),
  reason: fc.string(),
});
const item = fc
  .tuple(status, error)
  .map(([code, said]) => ({ create: code < 300 ? { status: code } : { status: code, error: said } }));

it('gives each item exactly one fate, by its own status', () => {
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 30 }), fc.nat(2), (items, indent) => {
      const part = partOf(items.length);
      const errors = items.some(({ create }) => create.status >= 300);
      const result = classify(answer(200, JSON.stringify({ took: 1, errors, items }, null, indent)), part);
      const named = [
        ...result.rejected.map((rejection) => rejection.item),
        ...result.again.flatMap((again) => again.items),
      ];
      expect(new Set(named).size).toBe(named.length);

      const statuses = new Map(part.items.map((number, place) => [number, items[place]?.create.status as number]));
      const stored = part.items.filter((number) => !named.includes(number));
      for (const number of stored) expect([200, 201, 409]).toContain(statuses.get(number));
      for (const number of named) expect(statuses.get(number)).toBeGreaterThanOrEqual(400);
      expect(result.duplicates).toBe(items.filter(({ create }) => create.status === 409).length);
      for (const { how, items: ascending } of result.again) {
        expect(['retry', 'hold']).toContain(how);
        expect(ascending).toEqual(ascending.toSorted((a, b) => a - b));
      }
      for (const { item: number } of result.rejected) expect([400, 413]).toContain(statuses.get(number));
    }),
  );
});

it('never takes an answer that is cut off for success', () => {
  const items = Array.from({ length: 4 }, () => ({ create: { status: 201 } }));
  const whole = JSON.stringify({ errors: false, took: 12, items });
  for (let end = 0; end < whole.length - 1; end++) {
    const { again, rejected } = classify(answer(200, whole.slice(0, end)), partOf(4));
    expect(rejected).toEqual([]);
    expect(again, `after ${end} bytes`).toMatchObject([{ how: 'suspect', items: partOf(4).items }]);
  }
});

it('loses nothing whatever the bytes and the status of an answer are', () => {
  const body = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(fc.oneof(fc.constant(200), fc.integer({ min: 201, max: 599 })), body, (code, bytes) => {
      const part = partOf(3);
      const { again, rejected, duplicates } = classify(answer(code, bytes), part);
      expect(again).toHaveLength(1);
      expect(again[0]?.items).toEqual(part.items);
      expect([rejected, duplicates]).toEqual([[], 0]);
    }),
  );
});
