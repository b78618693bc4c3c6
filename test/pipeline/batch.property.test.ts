import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '../../src/pipeline/batch.ts';
import { ByteWriter } from '../../src/pipeline/byte-writer.ts';

function decodeVarint(bytes: Buffer): number {
  let value = 0;
  for (const [at, byte] of bytes.entries()) value += (byte & 0x7f) * 2 ** (7 * at);
  return value;
}

describe('a byte writer', () => {
  it('holds what was written one behind the other, whatever it began with', () => {
    // Short ones are written byte by byte, long ones in one go.
    const unit = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    const latin1 = fc.string({ unit, maxLength: 200 });
    const write = fc.oneof(
      fc.nat(255).map((value) => ({ bytes: Buffer.from([value]), to: (writer: ByteWriter) => writer.byte(value) })),
      fc.uint8Array({ maxLength: 300 }).map((value) => ({
        bytes: Buffer.from(value),
        to: (writer: ByteWriter) => writer.copy(Buffer.from(value)),
      })),
      fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300)).map(([value, from, to]) => {
        const [start, end] = [from, to].map((place) => Math.min(place, value.length)).sort((a, b) => a - b);
        const part = Buffer.from(value).subarray(start, end);
        return { bytes: part, to: (writer: ByteWriter) => writer.copy(Buffer.from(value), start, end) };
      }),
      latin1.map((text) => ({ bytes: Buffer.from(text, 'latin1'), to: (writer: ByteWriter) => writer.latin1(text) })),
      fc.tuple(latin1, fc.nat(200)).map(([text, most]) => {
        const count = Math.min(most, text.length);
        return {
          bytes: Buffer.from(text, 'latin1').subarray(0, count),
          to: (writer: ByteWriter) => writer.latin1(text, count),
        };
      }),
      fc
        .string({ unit: 'binary' })
        .map((text) => ({ bytes: Buffer.from(text), to: (writer: ByteWriter) => writer.utf8(text) })),
    );
    fc.assert(
      fc.property(fc.array(write), fc.nat(64), (writes, capacity) => {
        const writer = new ByteWriter(capacity);
        for (const { to } of writes) to(writer);
        expect(writer.bytes.subarray(0, writer.length)).toEqual(Buffer.concat(writes.map(({ bytes }) => bytes)));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('writes whole numbers as varints, up to the largest exact one', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const writer = new ByteWriter(0);
        writer.varint(value);
        const bytes = writer.bytes.subarray(0, writer.length);
        expect(decodeVarint(bytes)).toBe(value);
        expect(bytes.subarray(0, -1).every((byte) => byte >= 0x80)).toBe(true);
        expect(bytes.at(-1)).toBeLessThan(0x80);
      }),
      { seed: 1 },
    );
    const writer = new ByteWriter(0);
    for (const value of [0, 127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      writer.length = 0;
      writer.varint(value);
      expect(decodeVarint(writer.bytes.subarray(0, writer.length))).toBe(value);
    }
  });

  it('gives memory back that a large event made it grow to, and no other', () => {
    const writer = new ByteWriter(100);
    const { length } = writer.bytes;
    writer.copy(Buffer.alloc(150));
    writer.reset();
    expect(writer.bytes.length).toBeLessThanOrEqual(200);
    writer.copy(Buffer.alloc(1000));
    writer.reset();
    expect(writer.bytes.length).toBe(length);
  });
});

describe('a batch', () => {
  const item = fc.record({
    head: fc.uint8Array({ maxLength: 5 }),
    event: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    tail: fc.uint8Array({ maxLength: 5 }),
    tag: fc.nat(9),
    keep: fc.boolean(),
  });

  it('knows of each item where it stands, what its event is and where that came from', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 700 }), (items) => {
        const builder = new BatchBuilder(16);
        // Memory is used again: nothing of an earlier batch may show.
        for (let round = 0; round < 2; round += 1) {
          builder.reset();
          const kept: (typeof items)[number][] = [];
          for (const one of items) {
            const start = builder.length;
            builder.copy(Buffer.from(one.head));
            builder.event(Buffer.from(one.event), 0, one.event.length);
            if (one.tag > 0) builder.tag(one.tag);
            builder.copy(Buffer.from(one.tail));
            if (one.keep) {
              builder.add(start, kept.length * 100, one.event.length + 1);
              kept.push(one);
            } else builder.undo(start);
          }
          const batch = builder.seal('key', 'source', { segment: 's', from: 0, to: 1 });
          expect(batch.count).toBe(kept.length);
          for (const [at, { head, event, tail, tag }] of kept.entries()) {
            expect(batch.bytes.subarray(batch.itemStart(at), batch.itemEnd(at))).toEqual(
              Buffer.concat([head, event, tail]),
            );
            expect(batch.bytes.subarray(batch.eventStart(at), batch.eventEnd(at))).toEqual(Buffer.from(event));
            expect([batch.lineOffset(at), batch.lineBytes(at), batch.tag(at)]).toEqual([
              at * 100,
              event.length + 1,
              tag,
            ]);
          }
        }
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});
