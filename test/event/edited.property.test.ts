import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { FIELDS, SLOT } from '../../src/event/field.ts';
import { applySplices, type Splice } from '../../src/event/splice.ts';
import { choices, write } from './writing.ts';

const BEHIND = Buffer.from('"user":{}}]');

/** Reads a line somewhere in a buffer, makes the splices, and compares the view with one that reads what they gave. */
function expectAlike(line: string, splicesOf: (event: EventView) => readonly Splice[], before: number): void {
  const bytes = Buffer.concat([Buffer.alloc(before, 0x20), Buffer.from(line), BEHIND]);
  const [view, anew, scratch] = [new EventView(), new EventView(), { bytes: Buffer.alloc(0) }];
  if (view.read(bytes, before, before + Buffer.byteLength(line)) !== null) throw new Error(`no event: ${line}`);
  const splices = splicesOf(view);
  const length = applySplices(bytes, view.start, view.end, splices, scratch);
  const malformed = view.readEdited(scratch.bytes, length, splices);
  expect(malformed).toBe(anew.read(scratch.bytes, 0, length));
  for (const [slot, field] of FIELDS.entries()) {
    expect([field, view.valueStart(slot), view.valueEnd(slot)]).toEqual([
      field,
      anew.valueStart(slot),
      anew.valueEnd(slot),
    ]);
  }
  if (malformed !== null) return;
  expect([view.bytes, view.start, view.end]).toEqual([anew.bytes, anew.start, anew.end]);
  expect(view.reference()).toEqual(anew.reference());
  expect(view.json()).toEqual(anew.json());
  expect(view.marks()).toBe(anew.marks());
}

const value = fc.oneof(
  fc.jsonValue(),
  fc.record({ metadata: fc.record({ managedFields: fc.constant([1, 2]) }), data: fc.jsonValue() }),
);
const event = fc.record(
  {
    requestObject: value,
    user: fc.record({ username: fc.string(), extra: fc.dictionary(fc.string(), fc.array(fc.string())) }),
    responseObject: value,
    annotations: fc.dictionary(fc.string(), fc.string()),
    responseStatus: fc.record({ code: fc.nat(), message: fc.string() }),
    requestURI: fc.string(),
    auditID: fc.uuid(),
  },
  { requiredKeys: [] },
);

/** A whole value is replaced, or a member is put into an object. */
const change = fc.record({
  field: fc.constantFrom(...FIELDS),
  by: fc.constantFrom('null', '"[redacted]"', '{}', '"a longer text than there was"'),
  insert: fc.boolean(),
});

test('a view moved behind splices is one that reads the edited event', () => {
  const property = fc.property(
    event,
    fc.array(change, { maxLength: 4 }),
    fc.nat(),
    fc.nat(20),
    (body, changes, seed, n) => {
      const line = write({ ...body, stageTimestamp: '2026-11-23T05:07:15Z' }, choices(seed)).trim();
      expectAlike(line, (view) => splicesFor(view, changes), n);
    },
  );
  fc.assert(property, { numRuns: 1500 });
});

interface Change {
  readonly field: (typeof FIELDS)[number];
  readonly by: string;
  readonly insert: boolean;
}

function splicesFor(view: EventView, changes: readonly Change[]): readonly Splice[] {
  const splices: Splice[] = [];
  for (const { field, by, insert } of changes) {
    const start = view.valueStart(SLOT[field]);
    if (start === -1) continue;
    const isFull = view.bytes[start] === 0x7b && !/^\{\s*\}/.test(view.bytes.toString('latin1', start, view.end));
    const splice =
      insert && isFull
        ? { start: start + 1, end: start + 1, with: Buffer.from(`"uid":${by},`) }
        : { start, end: view.valueEnd(SLOT[field]), with: Buffer.from(by) };
    if (splices.every((other) => other.end < splice.start || splice.end < other.start)) splices.push(splice);
  }
  return splices.sort((one, other) => one.start - other.start);
}
