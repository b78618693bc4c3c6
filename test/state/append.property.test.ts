import fs from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeadLetterFiles } from '../../src/state/dead-letter.ts';
import { decodeHeader, encodeHeader } from '../../src/state/dead-letter-record.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { readDeadLetters } from '../../src/state/read-dead-letter.ts';
import { readLedger } from '../../src/state/read-ledger.ts';
import { letterMeta, openFence, segmentEntry } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

let directory: string;

beforeEach(() => {
  directory = scratchDirectory();
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function fresh(): string {
  fs.rmSync(directory, { recursive: true });
  fs.mkdirSync(directory);
  return directory;
}

/** Cuts a file at any byte; what a crash may have written instead goes behind. */
function tear(file: string, at: number, garbage: Uint8Array): number {
  const size = at % (fs.statSync(file).size + 1);
  fs.truncateSync(file, size);
  fs.appendFileSync(file, garbage);
  return size;
}

const garbage = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(new Uint8Array(3000)));
const event = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  // Events that look like records.
  fc.constant(encodeHeader({ record: 9, bytes: 3, crc32: '00000000', meta: letterMeta(9) })),
  fc.constant(Buffer.from('\n{"format":"auditail-dead-letter","version":1}\n')),
);

test('a ledger that was torn anywhere keeps its whole lines and goes on behind them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.nat(), garbage, async (count, at, bytes) => {
      const ledger = await Ledger.open(fresh(), openFence());
      const entries = Array.from({ length: count }, (_, number) => segmentEntry(number));
      await ledger.append(entries);
      await ledger.close();
      const lines = entries.map((entry) => JSON.stringify(entry).length + 1);
      const size = tear(path.join(directory, 'ledger.jsonl'), at, bytes);
      let whole = 0;
      for (let end = lines[0] ?? 0; end <= size && whole < count; end += lines[whole] ?? 0) whole += 1;
      const again = await Ledger.open(directory, openFence());
      await again.append(entries);
      await again.close();
      const stored = [];
      for await (const entry of readLedger(directory)) stored.push(entry);
      expect(stored).toEqual(entries);
      expect(again.findings.length).toBeLessThanOrEqual(1);
      expect(again.findings.length === 0).toBe(
        size === lines.slice(0, whole).reduce((a, b) => a + b, 0) && bytes.length === 0,
      );
    }),
    { numRuns: 100 },
  );
});

test('a dead letter that was torn anywhere keeps its whole records and goes on behind them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 6 }), fc.nat(), garbage, async (events, at, bytes) => {
      const place = path.join(fresh(), 'dead-letter');
      const box = await DeadLetterFiles.open(place, openFence(), { maxBytes: 1e6 });
      const records = events.map((content, offset) => ({ meta: letterMeta(offset), bytes: Buffer.from(content) }));
      await box.append(records);
      await box.close();
      tear(path.join(place, fs.readdirSync(place)[0] as string), at, bytes);
      const again = await DeadLetterFiles.open(place, openFence(), { maxBytes: 1e6 });
      await again.append(records);
      await again.close();
      const stored = [];
      for await (const { meta, bytes: read } of readDeadLetters(place)) stored.push({ meta, bytes: await read() });
      expect(stored).toEqual(records);
      expect(again.records).toBe(records.length);
    }),
    { numRuns: 100 },
  );
});

test('a header that was encoded is decoded as it was, and no changed one is', () => {
  const text = fc.string({ unit: 'binary', maxLength: 50 });
  const meta = fc.record({
    reason: text,
    words: text,
    status: fc.nat(),
    output: text,
    source: text,
    segment: text,
    name: text,
    offset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    at: text,
  });
  const header = fc.record({ record: fc.nat(), bytes: fc.nat(), crc32: fc.constant('0123abcd'), meta });
  fc.assert(
    fc.property(header, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
      const line = encodeHeader(value);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      const bare = line.subarray(0, -1);
      expect(decodeHeader(bare)).toEqual(value);
      bare[at % bare.length] = (bare[at % bare.length] as number) ^ flip;
      expect(decodeHeader(bare)).toBeNull();
    }),
  );
});
