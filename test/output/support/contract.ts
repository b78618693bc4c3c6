import { describe, expect, it } from 'vitest';
import type { Output, SendResult } from '../../../src/output/output.ts';
import type { Part } from '../../../src/pipeline/batch.ts';
import { auditLine, batchOf } from './batch.ts';
import { type Reply, startReceiver } from './receiver.ts';

/** One recorded answer of a receiver, and what it means for the events that were sent. They are numbered as they stood in the request. */
export interface Row {
  readonly what: string;
  readonly reply: Reply;
  /** How many events to send: five where it is not said. */
  readonly events?: number;
  readonly duplicates?: number;
  /** Item and reason. */
  readonly rejected?: readonly (readonly [item: number, reason: string])[];
  /** How, which items, and the reason. */
  readonly again?: readonly (readonly [how: string, items: readonly number[], reason: string])[];
  readonly retryAfterMs?: number;
  /** Something that the words must say. */
  readonly words?: string | RegExp;
}

/** Runs a table of recorded answers through an output against a real server on the loopback. */
export function contract(name: string, create: (url: string) => Output, rows: readonly Row[]): void {
  describe(name, () => {
    it.each(rows.map((row) => [row.what, row] as const))('%s', async (_, row) => {
      await using receiver = await startReceiver(() => row.reply);
      const output = create(receiver.url);
      const part = oddItems(output, row.events ?? 5);
      const result = await output.send(part, new AbortController().signal);
      await output.close();

      expect(receiver.received).toHaveLength(1);
      expect(summary(result)).toEqual({
        duplicates: row.duplicates ?? 0,
        rejected: row.rejected ?? [],
        again: row.again ?? [],
        retryAfterMs: row.retryAfterMs,
      });
      const said = [...result.rejected, ...result.again].map((entry) => entry.words);
      if (row.words !== undefined) expect(said.join('\n')).toMatch(row.words);
      for (const text of said) {
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2048);
        expect(text).not.toMatch(/[\p{Cc}<>]/u);
      }
    });
  });
}

/** Where an item stood in the request; see `oddItems`. */
function place(item: number): number {
  return (item - 1) / 2;
}

function summary({ duplicates, rejected, again }: SendResult) {
  return {
    duplicates,
    rejected: rejected.map(({ item, reason }) => [place(item), reason]),
    again: again.map(({ how, items, reason }) => [how, items.map(place), reason]),
    retryAfterMs: again[0]?.retryAfterMs,
  };
}

/** The odd items of a batch twice as large: an output that mixes up places in the request and items of the batch fails on every row. */
function oddItems(output: Output, count: number): Part {
  const lines = Array.from({ length: count * 2 + 1 }, (_, number) => auditLine({ auditID: `event-${number}` }));
  return { batch: batchOf(output, lines), items: Array.from({ length: count }, (_, at) => at * 2 + 1) };
}
