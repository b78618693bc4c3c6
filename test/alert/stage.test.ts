import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { Deliverer } from '../../src/alert/deliverer.ts';
import { recordsOf, restore, type StateRecord } from '../../src/alert/snapshot.ts';
import { type AlertJournal, type AlertRecord, AlertStage } from '../../src/alert/stage.ts';
import type { Rule } from '../../src/alert/rule.ts';
import { alertReceiverSchema } from '../../src/config/alert-schema.ts';
import { EventView } from '../../src/event/event-view.ts';
import { BatchBuilder } from '../../src/pipeline/batch.ts';
import { Bench, BEGIN_MS, line, rule } from './rules.ts';

const LIMITS = { maxGroups: 100, maxValues: 100, toleranceMs: 30_000 };
const RULES = [
  rule({ name: 'each', verbs: ['get'], groupBy: ['objectRef.name'], summary: '{{objectRef.name}} {{count}}' }),
  rule({ name: 'count', threshold: { count: 3, window: '20s' }, summary: '{{count}}' }),
  rule({ name: 'distinct', threshold: { count: 3, distinct: 'objectRef.name', window: '30s' }, summary: '{{values}}' }),
  rule({ name: 'first', firstSeen: { of: ['verb'], learn: '10s' }, summary: '{{verb}}' }),
  rule({ name: 'silence', silence: { for: '40s' }, when: 'verb == "get"', summary: '{{values}}' }),
];

class MemoryJournal implements AlertJournal {
  records: AlertRecord[] = [];
  isLong = false;
  failures = 0;

  async append(records: readonly AlertRecord[]): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('ENOSPC');
    }
    this.records.push(...(JSON.parse(JSON.stringify(records)) as AlertRecord[]));
  }

  note(record: AlertRecord): void {
    this.records.push(record);
  }

  async replace(records: Iterable<AlertRecord>): Promise<void> {
    this.records = JSON.parse(JSON.stringify([...records])) as AlertRecord[];
  }

  async close(): Promise<void> {}
}

/** A stage over a journal, with a receiver that takes nothing: what it would be told is in its queue. */
function start(journal: MemoryJournal, rules: readonly Rule[] = RULES) {
  const stage = new AlertStage({
    source: 'audit',
    rules,
    limits: LIMITS,
    redact: () => ({ type: 'pass' }),
    notes: { warn: () => undefined },
    now: () => BEGIN_MS,
    monotonic: () => 0,
  });
  for (const record of journal.records) stage.restore(record);
  const deliverer = new Deliverer({
    config: alertReceiverSchema.parse({ name: 'hook', type: 'webhook', url: 'http://127.0.0.1:9/' }),
    receiver: { name: 'hook', type: 'webhook', tell: async () => ({ outcome: 'told' }), close: async () => undefined },
    backoff: () => ({ next: () => 0, reset: () => undefined }),
    sleep: async () => undefined,
    now: () => BEGIN_MS,
    settled: (name, notification) => stage.settled(name, notification),
    setAside: async () => true,
    notes: { info: () => undefined, warn: () => undefined },
  });
  stage.begin(journal, [deliverer], null);
  const view = new EventView();
  const batchOf = (from: number, lines: readonly string[]) => {
    const builder = new BatchBuilder(1024);
    for (const [at, text] of lines.entries()) {
      const bytes = Buffer.from(text);
      view.read(bytes, 0, bytes.length);
      if (stage.judge(view).type === 'drop') continue;
      const itemStart = builder.length;
      stage.encode(view, { bytes, start: 0, end: bytes.length }, builder);
      builder.add(itemStart, from + at, 1);
    }
    return builder.seal('key', 'audit', { segment: 'segment', from, to: from + lines.length });
  };
  const send = async (batch: ReturnType<typeof batchOf>) =>
    stage.send({ batch, items: Array.from({ length: batch.count }, (_, item) => item) });
  const told = () => deliverer.pending.map(({ id }) => id);
  return { stage, batchOf, send, told, deliverer };
}

test('what cannot be written is held, and is told once it could be', async () => {
  const journal = new MemoryJournal();
  const { batchOf, send, told } = start(journal);
  const batch = batchOf(0, [line(0)]);
  journal.failures = 2;
  expect(await send(batch)).toMatchObject({ again: [{ how: 'hold', reason: 'state-unwritable' }] });
  expect(told()).toEqual([]);
  expect(await send(batch)).toMatchObject({ again: [{ how: 'hold' }] });
  expect(await send(batch)).toMatchObject({ again: [] });
  expect(told()).toHaveLength(1);
  expect(await send(batch)).toMatchObject({ again: [], duplicates: 1 });
  expect(told()).toHaveLength(1);
});

test('wherever it ends, and whether the journal was written anew, it tells the same as if it had not ended', async () => {
  const event = fc.record({
    at: fc.integer({ min: 0, max: 6 }),
    verb: fc.constantFrom('get', 'list'),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
  });
  const step = fc.oneof(
    { weight: 5, arbitrary: event },
    { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'compact' as const, 'crash-before-settle' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const through = start(new MemoryJournal());
      const journal = new MemoryJournal();
      let broken = start(journal);
      const told = new Set<string>();
      let at = 0;
      let offset = 0;
      for (const one of steps) {
        if (one === 'restart') broken = start(journal);
        else if (one === 'compact') journal.isLong = true;
        else if (one !== 'crash-before-settle') {
          at += one.at;
          const text = line(at, {
            verb: one.verb,
            name: one.name,
            received: new Date(BEGIN_MS + offset).toISOString(),
          });
          await through.send(through.batchOf(offset, [text]));
          await broken.send(broken.batchOf(offset, [text]));
          journal.isLong = false;
          if (steps.includes('crash-before-settle')) {
            // It had been written, and the cursor had not moved: it comes again.
            broken = start(journal);
            await broken.send(broken.batchOf(offset, [text]));
          }
          offset += 1;
        }
        for (const id of broken.told()) told.add(id);
      }
      expect([...told]).toEqual(through.told());
    }),
    { numRuns: 60 },
  );
});

test('what was told is not told again after a restart, also where the journal was written anew meanwhile', async () => {
  const journal = new MemoryJournal();
  const first = start(journal);
  await first.send(first.batchOf(0, [line(0), line(0.1, { name: 'x' })]));
  expect(first.told()).toHaveLength(2);
  await first.stage.settled('hook', first.deliverer.pending[0] as never);
  journal.isLong = true;
  const second = start(journal);
  expect(second.told()).toHaveLength(1);
  await second.send(second.batchOf(5, [line(3, { name: 'y' })]));
  journal.isLong = false;
  expect(start(journal).told()).toEqual(second.told());
});

test('rules that have changed forget, those that have not remember', async () => {
  const journal = new MemoryJournal();
  const first = start(journal);
  await first.send(first.batchOf(0, [line(0), line(1)]));
  const changed = [
    rule({ name: 'count', threshold: { count: 3, window: '50s' }, summary: 'changed' }),
    rule({ name: 'distinct', threshold: { count: 3, distinct: 'objectRef.name', window: '30s' }, summary: 'same' }),
  ];
  journal.isLong = true;
  await first.send(first.batchOf(4, [line(2, { verb: 'none', name: 'n2' })]));
  const before = first.told().length;
  const second = start(journal, changed);
  await second.send(second.batchOf(10, [line(3, { verb: 'none', name: 'n3' })]));
  expect(second.told().length).toBe(before + 1);
});

test('a snapshot holds all that an engine knows', () => {
  const bench = new Bench(RULES);
  for (let at = 0; at < 60; at += 2) bench.see(line(at, { verb: at % 4 === 0 ? 'get' : 'list', name: `n${at % 10}` }));
  const again = new Bench(RULES);
  for (const record of recordsOf(bench.engine))
    restore(again.engine, JSON.parse(JSON.stringify(record)) as StateRecord);
  expect([...recordsOf(again.engine)]).toEqual([...recordsOf(bench.engine)]);
});
