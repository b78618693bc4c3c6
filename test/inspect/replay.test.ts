import { expect, it } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { replay } from '../../src/inspect/replay.ts';
import type { Again, Output, SendResult } from '../../src/output/output.ts';
import type { Part } from '../../src/pipeline/batch.ts';
import type { DeadLetterKey } from '../../src/state/dead-letter-record.ts';
import type { ReplayRefusal } from '../../src/state/dead-letter-refusals.ts';
import type { DeadLetter } from '../../src/state/read-dead-letter.ts';

const STORED: SendResult = { rejected: [], again: [], duplicates: 0 };

function event(id: number, padding = 0): string {
  return JSON.stringify({
    kind: 'Event',
    auditID: String(id),
    stageTimestamp: '2026-11-23T00:00:00Z',
    x: 'x'.repeat(padding),
  });
}

function letter(record: number, text = event(record), more: { source?: string; replays?: number } = {}): DeadLetter {
  const bytes = Buffer.from(text);
  const key = { record, source: more.source ?? 'api', segment: 'a', offset: record * 1000 };
  const meta = { ...key, reason: 'r', words: 'w', status: 400, output: 'o', name: 'audit.log', at: '' };
  const said = { key, reason: 'again', words: 'w', status: 400, at: '' };
  const refusal = more.replays === undefined ? null : { ...said, replays: more.replays };
  return { key, meta, refusal, length: bytes.length, chunks: () => chunks(bytes), bytes: async () => bytes };
}

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function* each(letters: readonly DeadLetter[]): AsyncGenerator<DeadLetter> {
  yield* letters;
}

/** An output of plain lines; `answer` sees the audit ids of a request. */
function output(answer: (ids: readonly string[], items: readonly number[]) => SendResult, maxBatchBytes = 1e6): Output {
  return {
    name: 'o',
    type: 'http',
    destination: '',
    idempotent: false,
    maxBatchBytes,
    encode(view, _line, item) {
      if (view.end - view.start > 5000) return { reason: 'too-large', words: 'over 5000 bytes' };
      item.event(view.bytes, view.start, view.end);
      return null;
    },
    eventBytes: () => Buffer.alloc(0),
    send: async ({ batch, items }: Part) => {
      const ids = items.map((item) => {
        const text = batch.bytes.toString('utf8', batch.eventStart(item), batch.eventEnd(item));
        return (JSON.parse(text) as { auditID: string }).auditID;
      });
      return answer(ids, items);
    },
    probe: async () => [],
    close: async () => undefined,
  };
}

async function run(letters: readonly DeadLetter[], to: Output, signal = new AbortController().signal) {
  const removed: number[] = [];
  const kept: string[] = [];
  const refused: ReplayRefusal[] = [];
  const waits: number[] = [];
  const result = await replay(each(letters), {
    output: to,
    event: new EventView(),
    remove: async (keys: readonly DeadLetterKey[]) => void removed.push(...keys.map(({ record }) => record)),
    refused: async (refusals) => void refused.push(...refusals),
    now: () => Date.UTC(2026, 10, 23),
    kept: ({ key }, reason) => kept.push(`${key.record} ${reason}`),
    progress: () => undefined,
    sleep: async (ms) => void waits.push(ms),
    signal,
  });
  return { ...result, removed, refused, kepts: kept, waits };
}

function again(how: Again['how'], items: readonly number[]): SendResult {
  return { ...STORED, again: [{ how, items, status: 400, reason: how, words: '' }] };
}

it('delivers all in batches no larger than the output takes, and removes what was taken', async () => {
  const sizes: number[] = [];
  const to = output((ids) => {
    sizes.push(ids.length);
    return STORED;
  });
  const letters = Array.from({ length: 250 }, (_, at) => letter(at));
  const result = await run(letters, to);
  expect(sizes).toEqual([100, 100, 50]);
  expect(result).toMatchObject({ delivered: 250, kept: 0, gaveUp: null });
  expect(result.removed).toEqual(letters.map(({ key }) => key.record));
});

it('closes a batch before it would be too large', async () => {
  const batches: (readonly string[])[] = [];
  const to = output((ids) => {
    batches.push(ids);
    return STORED;
  }, 12_000);
  await run(
    [1, 2, 3, 4].map((record) => letter(record, event(record, 3000))),
    to,
  );
  expect(batches).toEqual([
    ['1', '2'],
    ['3', '4'],
  ]);
});

it('keeps what is refused again, and what is no event or cannot be encoded', async () => {
  const to = output((ids) => {
    const item = ids.indexOf('2');
    return { ...STORED, rejected: [{ item, status: 400, reason: 'mapper', words: '', outcome: 'deadLettered' }] };
  });
  const letters = [letter(1), letter(2), letter(3, 'torn{'), letter(4, event(4, 9000)), letter(5)];
  const result = await run(letters, to);
  expect(result).toMatchObject({ delivered: 2, kept: 3, removed: [1, 5] });
  expect(result.kepts.toSorted()).toEqual(['2 mapper', '3 not-json', '4 too-large']);
});

it('keeps what the receiver said of each that it refused again, and how many times it did', async () => {
  const to = output((ids, items) => {
    if (ids.includes('3')) return again('suspect', items);
    const item = ids.indexOf('2');
    if (item === -1) return STORED;
    return {
      ...STORED,
      rejected: [{ item: items[item] as number, status: 422, reason: 'new', words: 'so', outcome: 'lost' }],
    };
  });
  const letters = [letter(1), letter(2, event(2), { replays: 4 }), letter(3), letter(4, 'torn{'), letter(5)];
  const result = await run(letters, to);
  expect(result.removed).toEqual([1, 5]);
  const at = '2026-11-23T00:00:00.000Z';
  expect(result.refused).toEqual([
    { key: letters[1]?.key, status: 422, reason: 'new', words: 'so', replays: 5, at },
    { key: letters[2]?.key, status: 400, reason: 'suspect', words: '', replays: 1, at },
  ]);
});

it('does not count a try that the receiver never judged', async () => {
  const down = output((_ids, items) => again('hold', items));
  expect(await run([letter(1)], down)).toMatchObject({ refused: [], gaveUp: { how: 'hold' } });
});

it('puts events of one source only into a request, whose headers may name it', async () => {
  const requests: (readonly string[])[] = [];
  const to = output((ids) => {
    requests.push(ids);
    return STORED;
  });
  await run([letter(1), letter(2, event(2), { source: 'other' }), letter(3, event(3), { source: 'other' })], to);
  expect(requests).toEqual([['1'], ['2', '3']]);
});

it('finds the one that spoils a request by sending one by one', async () => {
  const to = output((ids, items) => (ids.includes('2') ? again('suspect', items) : STORED));
  const result = await run([letter(1), letter(2), letter(3)], to);
  expect(result).toMatchObject({ delivered: 2, kept: 1, removed: [1, 3], kepts: ['2 suspect'] });
});

it('waits and tries again where the receiver is busy, and gives up where it stays so', async () => {
  let refusals = 2;
  const busy = output((_ids, items) => (refusals-- > 0 ? again('retry', items) : STORED));
  expect(await run([letter(1)], busy)).toMatchObject({ delivered: 1, waits: [500, 1000], gaveUp: null });
  const down = output((_ids, items) => again('retry', items));
  const result = await run(
    Array.from({ length: 300 }, (_, at) => letter(at)),
    down,
  );
  expect(result).toMatchObject({ delivered: 0, kept: 0, removed: [], gaveUp: { how: 'retry' } });
  expect(result.waits).toHaveLength(4);
});

it('does not let a person wait for an hour', async () => {
  const later = output((_ids, items) => ({
    ...STORED,
    again: [{ how: 'retry', items, status: 429, reason: 'busy', words: '', retryAfterMs: 3_600_000 }],
  }));
  expect(await run([letter(1)], later)).toMatchObject({ waits: [], gaveUp: { reason: 'busy' } });
});

it('stops at once where somebody has to mend something', async () => {
  const result = await run(
    [letter(1)],
    output((_ids, items) => again('hold', items)),
  );
  expect(result).toMatchObject({ delivered: 0, removed: [], waits: [], gaveUp: { how: 'hold' } });
});

it('leaves the rest where it is when it is interrupted', async () => {
  const interruption = new AbortController();
  const to = output(() => {
    interruption.abort();
    return STORED;
  });
  const result = await run(
    Array.from({ length: 300 }, (_, at) => letter(at)),
    to,
    interruption.signal,
  );
  expect(result.delivered).toBe(100);
  expect(result.removed).toHaveLength(100);
});
