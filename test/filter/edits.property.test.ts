import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventView } from '../../src/event/event-view.ts';
import { SLOT } from '../../src/event/field.ts';
import { isObject, keyOf, type Member, membersOf } from '../../src/event/json-walk.ts';
import { applySplices } from '../../src/event/splice.ts';
import { Edits } from '../../src/filter/edits.ts';
import type { Mark } from '../../src/filter/filter.ts';
import { eventOf } from '../event/event-of.ts';
import { choices, write } from '../event/writing.ts';

const MARKS: readonly (Mark | null)[] = [
  { what: 'trimmed', kind: 'managed-fields' },
  { what: 'redacted', kind: 'token' },
  { what: 'redacted', kind: 'uri' },
  null,
];
const PLACES = ['requestObject', 'annotations', 'responseObject'] as const;
type Place = (typeof PLACES)[number];

const texts = fc.dictionary(
  fc.constantFrom('a', 'b', 'auditail.io/trimmed', 'auditail.io/redacted', 'é"'),
  fc.constantFrom('x', 'uri=2', 'managed-fields=1', '"', ''),
  { maxKeys: 3 },
);
const event = fc.record(
  { requestObject: texts, annotations: fc.oneof(texts, fc.constant(null)), responseObject: texts },
  { requiredKeys: [] },
);
/** The nth member of an object, if there are so many, is to go, or to be replaced. */
const cut = fc.record({
  place: fc.constantFrom(...PLACES),
  nth: fc.nat(2),
  mark: fc.constantFrom(...MARKS),
  goes: fc.boolean(),
});

function memberNamed(view: EventView, place: Place, nth: number): { key: string; member: Member } | undefined {
  const start = view.valueStart(SLOT[place]);
  if (start === -1 || !isObject(view.bytes, start)) return undefined;
  const member = [...membersOf(view.bytes, start)][nth];
  return member && { key: keyOf(view.bytes, member), member };
}

test('what edits leave is what parsing, editing and writing gives, with the annotations that tell of it', () => {
  const property = fc.property(event, fc.array(cut, { maxLength: 4 }), fc.option(fc.nat()), (body, cuts, seed) => {
    const line = { ...body, stageTimestamp: '2026-11-23T05:07:15Z' };
    const view = eventOf(seed === null ? JSON.stringify(line) : write(line, choices(seed)).trim());
    const expected = structuredClone(line) as unknown as Record<string, Record<string, string> | null>;
    const [edits, done, told] = [new Edits(), new Set<string>(), new Map<string, string[]>()];
    for (const { place, nth, mark, goes } of cuts) {
      const found = memberNamed(view, place, nth);
      // Those of ours are set anew; that somebody has them cut out as well is for another test.
      if (found === undefined || found.key.startsWith('auditail') || done.has(place + found.key)) continue;
      const { key, member } = found;
      done.add(place + key);
      if (goes) edits.removeMember(view.bytes, member.start, member.end, mark);
      else edits.replace(member.value, member.end, Buffer.from('"-"'), mark);
      const members = expected[place] as Record<string, string>;
      if (goes) delete members[key];
      else members[key] = '-';
      if (mark !== null) told.set(mark.what, [...(told.get(mark.what) ?? []), mark.kind]);
    }
    for (const [what, kinds] of told) {
      const counts = [...new Set(kinds)].sort().map((kind) => `${kind}=${kinds.filter((one) => one === kind).length}`);
      const annotations = (expected['annotations'] ??= {});
      const before = annotations[`auditail.io/${what}`];
      annotations[`auditail.io/${what}`] = [...(before?.includes('=') ? [before] : []), ...counts].join(',');
    }
    const splices = edits.take(view);
    expect(splices === null).toBe(done.size === 0);
    const scratch = { bytes: Buffer.alloc(0) };
    const length = applySplices(view.bytes, view.start, view.end, splices ?? [], scratch);
    expect(JSON.parse(scratch.bytes.toString('utf8', 0, length))).toEqual(expected);
    expect(edits.take(view)).toBeNull();
  });
  fc.assert(property, { numRuns: 1500 });
});
