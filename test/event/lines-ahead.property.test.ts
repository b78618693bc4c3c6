import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { FIELDS, SLOT } from '../../src/event/field.ts';
import { recorded } from './trail.ts';

const NEWLINE = 10;

/** All that a view says of an event. */
function said(view: EventView, malformed: string | null): unknown {
  if (malformed !== null) return malformed;
  return {
    start: view.start,
    end: view.end,
    spans: FIELDS.map((_, slot) => [view.valueStart(slot), view.valueEnd(slot)]),
    time: view.timeNs(),
    marks: view.marks(),
    managed: [...(view.managedFields() ?? ['unknown'])],
  };
}

/** Reads all lines as a pipeline does, with `most` bytes scanned ahead, and holds each of them to what it is by itself. */
function readAhead(bytes: Buffer, start: number, end: number, most: number): { ahead: number; ascii: number } {
  const [ahead, plain] = [new EventView(), new EventView()];
  const counts = { ahead: 0, ascii: 0 };
  ahead.lookAhead(bytes, start, end, most);
  for (let at = start; at < end; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const stop = newline === -1 || newline > end ? end : newline;
    if (ahead.lineEnd(at) === -1) ahead.lookAhead(bytes, at, end, most);
    if (ahead.lineEnd(at) !== -1) {
      expect(ahead.lineEnd(at)).toBe(stop);
      counts.ahead += 1;
    }
    expect(said(ahead, ahead.read(bytes, at, stop))).toEqual(said(plain, plain.read(bytes, at, stop)));
    if (ahead.isAscii) {
      counts.ascii += 1;
      expect(bytes.subarray(at, stop).every((byte) => byte < 0x80)).toBe(true);
    }
    at = stop + 1;
  }
  return counts;
}

const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 0.9999, noNaN: true }),
    take: fc.constantFrom(0, 1, 20, 500),
    put: fc.oneof(
      fc.constantFrom('"', '\\', '{', '}', ',', '\0', '\n', '\r\n', '\n\n', ' ', 'é', '"managedFields":[1],'),
      fc.constantFrom('{"metadata":{"managedFields":[]}}', 'eyJ', 'Secret'),
    ),
  }),
  { maxLength: 4 },
);

test('a line that was scanned ahead is what it is by itself, whatever stands before and behind it', () => {
  const property = fc.property(
    fc.array(fc.nat(recorded.length - 1), { minLength: 1, maxLength: 8 }),
    edits,
    fc.nat(40),
    fc.nat(40),
    fc.oneof(fc.nat(20_000), fc.constant(2 ** 20)),
    fc.boolean(),
    (lines, changes, before, behind, most, ended) => {
      let bytes = Buffer.from(lines.map((at) => recorded[at] as string).join('\n') + (ended ? '\n' : ''));
      for (const { at, take, put } of changes) {
        const place = Math.floor(at * bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from(put), bytes.subarray(place + take)]);
      }
      const all = Buffer.concat([Buffer.alloc(before, 0x7b), bytes, Buffer.alloc(behind, 0x7d)]);
      readAhead(all, before, before + bytes.length, most);
    },
  );
  fc.assert(property, { numRuns: 600 });
});

test('of the recorded events, most are scanned ahead, and known to be ASCII', () => {
  const bytes = Buffer.from(recorded.map((line) => `${line}\n`).join(''));
  const { ahead, ascii } = readAhead(bytes, 0, bytes.length, 2 ** 20);
  const wide = recorded.filter((line) => Buffer.byteLength(line) !== line.length).length;
  expect(ahead).toBe(recorded.length);
  // What stands behind a line may be taken for a part of it.
  expect(ascii).toBeGreaterThanOrEqual(recorded.length - 2 * wide);
});

test('lines beyond what there is room for are scanned when their turn comes', () => {
  const short = Buffer.from('{"stageTimestamp":"2026-01-02T03:04:05.000000Z"}\n'.repeat(3000));
  expect(readAhead(short, 0, short.length, 2 ** 20).ahead).toBe(3000);
  const long = Buffer.from(`{"auditID":"${'x'.repeat(400_000)}"}\n${short.toString('latin1', 0, 490)}`);
  expect(readAhead(long, 0, long.length, 2 ** 20).ahead).toBe(10);
});

test('what was scanned ahead is forgotten when another view looks ahead, and for other bytes', () => {
  const [first, second] = [new EventView(), new EventView()];
  const [one, two] = [0, 1].map((at) => Buffer.from(`${recorded[at]}\n${recorded[at]}\n`)) as [Buffer, Buffer];
  first.lookAhead(one, 0, one.length, 2 ** 20);
  const stop = first.lineEnd(0);
  expect(stop).toBe(one.indexOf(NEWLINE));
  second.lookAhead(two, 0, two.length, 2 ** 20);
  expect(first.lineEnd(0)).toBe(-1);
  expect(said(first, first.read(one, 0, stop))).toEqual(said(second, second.read(one, 0, stop)));
});

test('a view that has let go of its bytes holds none, knows no line ahead, and reads on', () => {
  const bytes = Buffer.from(`${recorded[0]}\n${recorded[0]}\n`);
  const view = new EventView();
  view.lookAhead(bytes, 0, bytes.length, 2 ** 20);
  const stop = view.lineEnd(0);
  const before = said(view, view.read(bytes, 0, stop));
  view.release();
  expect([view.bytes.length, view.lineEnd(stop + 1), view.has(SLOT.verb), view.text(SLOT.verb)]).toEqual([
    0,
    -1,
    false,
    '',
  ]);
  expect(said(view, view.read(bytes, 0, stop))).toEqual(before);
});

test('more managed fields than are noted are told as not known', () => {
  const managed = `{"metadata":{"managedFields":[]}},`.repeat(700).slice(0, -1);
  const line = `{"responseObject":{"items":[${managed}]},"stageTimestamp":"2026-01-02T03:04:05.000000Z"}\n`;
  const bytes = Buffer.from(line.repeat(3));
  const view = new EventView();
  view.lookAhead(bytes, 0, bytes.length, 2 ** 20);
  const noted = [0, 1, 2].map((at) => {
    const start = at * line.length;
    expect(view.read(bytes, start, view.lineEnd(start))).toBeNull();
    return view.managedFields()?.length ?? null;
  });
  expect(noted).toEqual([2100, null, null]);
});
