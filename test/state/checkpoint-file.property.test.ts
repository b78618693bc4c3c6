import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/state/checkpoint-file.ts';
import { JournalEncoder, newestNote, NO_FILE } from '../../src/state/checkpoint-journal.ts';
import type { Checkpoint, Counts, SegmentRecord } from '../../src/state/checkpoint.ts';

const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const text = fc.string({ unit: 'binary', maxLength: 20 });
const byName = fc.dictionary(text, number, { maxKeys: 3, noNullPrototype: true });

const counts: fc.Arbitrary<Counts> = fc.record({
  readEvents: number,
  readBytes: number,
  delivered: number,
  deliveredBytes: number,
  filtered: byName,
  filteredBytes: number,
  deadLettered: byName,
  deadLetteredBytes: number,
  lost: byName,
  lostBytes: number,
  skippedBytes: number,
});

const segment: fc.Arbitrary<SegmentRecord> = fc.record({
  id: text,
  name: text,
  settled: number,
  done: fc.boolean(),
  marks: fc.array(fc.record({ offset: number, hash: text }), { maxLength: 3 }),
  counts,
});

function checkpointWith(segments: fc.Arbitrary<SegmentRecord[]>): fc.Arbitrary<Checkpoint> {
  const last = fc.record({ auditID: text, stage: text, time: text });
  const fields = {
    output: text,
    destination: text,
    source: text,
    origin: text,
    filter: text,
    segments,
    window: fc.array(fc.record({ segment: text, from: number, to: number, settled: fc.boolean() }), { maxLength: 3 }),
    rotations: fc.array(number, { maxLength: 5 }),
    totals: counts,
    losses: number,
    writtenAt: text,
    last,
  };
  const required = Object.keys(fields).filter((key) => key !== 'last') as Exclude<keyof Checkpoint, 'last'>[];
  return fc.record(fields, { requiredKeys: required });
}

/** Two checkpoints that share some of their records, as two that follow each other do. */
const followers = fc.array(segment, { maxLength: 30 }).chain((pool) => {
  const some = fc.subarray(pool).chain((kept) => fc.shuffledSubarray(kept, { minLength: kept.length }));
  const more = fc.tuple(some, fc.array(segment, { maxLength: 3 })).map(([kept, added]) => [...kept, ...added]);
  return fc.tuple(checkpointWith(fc.constant(pool)), checkpointWith(more));
});

test('a checkpoint that was encoded is decoded as it was, whatever stands in it', () => {
  fc.assert(
    fc.property(number, number, checkpointWith(fc.array(segment, { maxLength: 5 })), (sequence, note, checkpoint) => {
      const { bytes, id } = encodeCheckpoint(sequence, note, checkpoint);
      expect(decodeCheckpoint(bytes)).toEqual({ state: 'valid', file: { sequence, note, checkpoint, id } });
    }),
  );
});

test('a checkpoint file that was cut off or changed in one byte is damaged, and never anything else', () => {
  fc.assert(
    fc.property(
      checkpointWith(fc.array(segment, { maxLength: 2 })),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (checkpoint, at, flip) => {
        const { bytes } = encodeCheckpoint(1, 1, checkpoint);
        const place = at % bytes.length;
        expect(decodeCheckpoint(bytes.subarray(0, place)).state).toBe('damaged');
        const spoilt = Buffer.from(bytes);
        spoilt[place] = (spoilt[place] as number) ^ flip;
        expect(decodeCheckpoint(spoilt).state).toBe('damaged');
      },
    ),
  );
});

test('a note over a file gives back the checkpoint that was noted', () => {
  fc.assert(
    fc.property(followers, ([saved, noted]) => {
      const base = { id: '1-00000000', checkpoint: saved };
      const line = new JournalEncoder(base).encode(7, noted);
      expect(newestNote(line, base)).toEqual({ number: 7, checkpoint: noted });
    }),
  );
});

test('a journal that was cut off anywhere gives the last note that is complete', () => {
  const base = { id: NO_FILE, checkpoint: null };
  fc.assert(
    fc.property(fc.array(checkpointWith(fc.constant([])), { minLength: 1, maxLength: 4 }), fc.nat(), (noted, at) => {
      const lines = noted.map((checkpoint, note) => new JournalEncoder(base).encode(note, checkpoint));
      const journal = Buffer.concat(lines);
      const cut = at % (journal.length + 1);
      let complete = -1;
      // A line is complete with its last byte; the newline behind it may be missing.
      for (let end = 0; complete + 1 < lines.length; complete += 1) {
        end += (lines[complete + 1] as Buffer).length;
        if (end - 1 > cut) break;
      }
      const newest = newestNote(journal.subarray(0, cut), base);
      expect(newest?.number ?? -1).toBe(complete);
    }),
  );
});
