import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { shared } from '../support/shared.ts';
import { differences, parse } from './parsed.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const view = new EventView();

/** How many lines are events; each is compared with what `JSON.parse` makes of it, the fields of `every` so many. */
function compare(bytes: Buffer, most = Infinity, every = 1): { events: number; malformed: number } {
  const found = { events: 0, malformed: 0 };
  for (let start = 0; start < bytes.length && found.events < most; ) {
    const lineFeed = bytes.indexOf(0x0a, start);
    const end = lineFeed === -1 ? bytes.length : lineFeed;
    const line = bytes.subarray(start, end);
    const malformed = view.read(bytes, start, end);
    const parsed = parse(line);
    if ((malformed === null) !== parsed.valid) throw new Error(`${malformed}: ${line.toString()}`);
    const wrong = parsed.valid && found.events % every === 0 ? differences(view, parsed.value) : [];
    if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: ${line.toString()}`);
    found[malformed === null ? 'events' : 'malformed'] += 1;
    start = end + 1;
  }
  return found;
}

test('recorded events show the fields that JSON.parse shows', () => {
  expect(compare(readFileSync(join(FIXTURES, 'events.log')))).toEqual({ events: 60, malformed: 0 });
});

test('recorded events with invalid UTF-8, great integers and keys that stand twice do too', () => {
  expect(compare(readFileSync(join(FIXTURES, 'events/odd-bytes.log')))).toEqual({ events: 3, malformed: 0 });
});

test('a line that a full disk tore is told from the whole ones around it', () => {
  expect(compare(readFileSync(join(FIXTURES, 'events/torn.log')))).toEqual({ events: 2, malformed: 1 });
});

describe.each([
  ['sample.log', { events: 277, malformed: 0 }],
  ['odd-bytes.log', { events: 4, malformed: 0 }],
  ['torn-enospc.log', { events: 199, malformed: 1 }],
])('the recorded trail %s', (name, counts) => {
  const path = shared(`corpus/${name}`);
  test.skipIf(path === undefined)(
    'shows on every line what JSON.parse shows (skipped where the corpus is not there)',
    () => {
      expect(compare(readFileSync(path as string))).toEqual(counts);
    },
  );
});

const mixed = shared('corpus/mixed.log.zst');
test.skipIf(mixed === undefined)(
  'the first 20,000 events of a large trail are events, and every fourth shows the same (skipped where the corpus is not there)',
  () => {
    const bytes = zstdDecompressSync(readFileSync(mixed as string));
    expect(compare(bytes, 20_000, 4)).toEqual({ events: 20_000, malformed: 0 });
  },
);
