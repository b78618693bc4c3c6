import { expect, test } from 'vitest';
import { applySplices } from '../../src/event/splice.ts';
import { Edits } from '../../src/filter/edits.ts';
import type { Mark } from '../../src/filter/filter.ts';
import { eventOf } from '../event/event-of.ts';

const TIME = '"stageTimestamp":"2026-11-23T05:07:15Z"';

/** The members of a body that stay when some of it go, in whatever order they are given. */
function without(body: string, ...gone: readonly string[]): string {
  const event = eventOf(`{"requestObject":${body},${TIME}}`);
  const edits = new Edits();
  for (const member of gone) {
    const start = event.bytes.indexOf(member);
    edits.removeMember(event.bytes, start, start + member.length, null);
  }
  const scratch = { bytes: Buffer.alloc(0) };
  const length = applySplices(event.bytes, 0, event.end, edits.take(event) ?? [], scratch);
  return scratch.bytes.toString('utf8', '{"requestObject":'.length, length - TIME.length - 2);
}

test('members go with one comma each, whichever of them go and in whichever order', () => {
  const [a, b, c] = ['"a":1', '"b":[2]', '"c":{"d":3}'];
  for (const separator of [',', ' , ']) {
    const body = `{${[a, b, c].join(separator)}}`;
    for (const gone of [[a], [b], [c], [a, b], [b, a], [b, c], [c, a], [a, b, c], [c, b, a]]) {
      const expected = Object.fromEntries(
        Object.entries(JSON.parse(body)).filter(([key]) => !gone.some((one) => one.startsWith(`"${key}"`))),
      );
      expect(JSON.parse(without(body, ...gone))).toEqual(expected);
    }
  }
});

function markOf(kind: string): Mark {
  return { what: 'trimmed', kind };
}

test('what lies in something else that goes is not counted', () => {
  const event = eventOf(`{"requestObject":{"a":{"b":"x"}},${TIME}}`);
  const edits = new Edits();
  const [outer, inner] = [markOf('outer'), markOf('inner')];
  const start = event.bytes.indexOf('"a"');
  edits.replace(start + 9, start + 10, Buffer.from('-'), inner);
  edits.removeMember(event.bytes, start, start + '"a":{"b":"x"}'.length, outer);
  const taken = edits.take(event) ?? [];
  expect(taken).toHaveLength(2);
  expect(taken.flatMap(({ mark }) => mark?.kind ?? [])).toEqual(['outer']);
  expect(edits.take(event)).toBeNull();
});

test('annotations that go are not added to', () => {
  const event = eventOf(`{"annotations":{"a":"b"},${TIME}}`);
  const edits = new Edits();
  const member = event.bytes.indexOf('"annotations"');
  edits.removeMember(event.bytes, member, event.bytes.indexOf('}') + 1, markOf('x'));
  const scratch = { bytes: Buffer.alloc(0) };
  const length = applySplices(event.bytes, 0, event.end, edits.take(event) ?? [], scratch);
  expect(scratch.bytes.toString('utf8', 0, length)).toBe(`{${TIME}}`);
});

test('the only annotation that goes leaves the one that tells of it', () => {
  const event = eventOf(`{"annotations":{"a":"b"},${TIME}}`);
  const edits = new Edits();
  const member = event.bytes.indexOf('"a":"b"');
  edits.removeMember(event.bytes, member, member + '"a":"b"'.length, markOf('x'));
  const scratch = { bytes: Buffer.alloc(0) };
  const length = applySplices(event.bytes, 0, event.end, edits.take(event) ?? [], scratch);
  expect(scratch.bytes.toString('utf8', 0, length)).toBe(`{"annotations":{"auditail.io/trimmed":"x=1"},${TIME}}`);
});
