import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { FIELDS } from '../../src/event/field.ts';
import { differences, parse } from './parsed.ts';
import { choices, write } from './writing.ts';

const TIME = '2024-01-01T00:00:00.000000Z';
const keys = fc.oneof(
  fc.constantFrom(...new Set(FIELDS.flatMap((field) => field.split('.')))),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('__proto__', 'user ', 'User', 'userr', ''),
);
const scalars = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(TIME),
);
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'value' },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.array(fc.tuple(keys, tie('value')), { maxLength: 6 }).map((members) => new Members(members)),
}));

/** An object as it is written: in which a key may stand twice. */
class Members {
  readonly list: readonly (readonly [string, unknown])[];

  constructor(list: readonly [string, unknown][]) {
    this.list = list;
  }
}

function writeAll(value: unknown, seed: number): string {
  const choose = choices(seed);
  function text(one: unknown): string {
    if (one instanceof Members)
      return `{${one.list.map(([key, child]) => `${write(key, choose)}:${text(child)}`).join(',')}}`;
    return Array.isArray(one) ? `[${one.map(text).join(', ')}]` : write(one, choose);
  }
  return text(value);
}

const objects = fc.array(fc.tuple(keys, values), { maxLength: 12 }).map((members) => new Members(members));
const lines = fc.tuple(objects, fc.nat()).map(([object, seed]) => Buffer.from(writeAll(object, seed)));

/** One view for all, as in the agent: what a line leaves behind shows in the next. */
const view = new EventView();
const seen = new Map<string, number>();
let fieldsSeen = 0;

function check(line: Buffer, before = '', behind = ''): void {
  const bytes = Buffer.concat([Buffer.from(before), line, Buffer.from(behind)]);
  const start = Buffer.byteLength(before);
  const malformed = view.read(bytes, start, start + line.length);
  const parsed = parse(line);
  const isObject =
    parsed.valid && typeof parsed.value === 'object' && parsed.value !== null && !Array.isArray(parsed.value);
  const reason = !parsed.valid ? 'not-json' : isObject ? malformed : 'not-an-object';
  if (isObject) expect(['no-timestamp', null]).toContain(malformed);
  expect({ line: line.toString('latin1'), malformed }).toEqual({ line: line.toString('latin1'), malformed: reason });
  if (parsed.valid && isObject) {
    fieldsSeen += FIELDS.filter((_, slot) => view.valueStart(slot) !== -1).length;
    expect({ line: line.toString('latin1'), differences: differences(view, parsed.value) }).toEqual({
      line: line.toString('latin1'),
      differences: [],
    });
  }
  seen.set(String(malformed), (seen.get(String(malformed)) ?? 0) + 1);
}

test('any object, however it is written, shows the fields that JSON.parse shows', () => {
  fc.assert(
    fc.property(lines, fc.constantFrom('', '{', '"', '[1,'), fc.constantFrom('', '}', '"', '1', ',"verb":"x"}'), check),
    { numRuns: 1500 },
  );
  expect(fieldsSeen).toBeGreaterThan(500);
  expect(seen.get('not-json')).toBeUndefined();
});

test('a line with some bytes changed is taken if JSON.parse takes it, and shows the same fields', () => {
  const bytes = fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\u0e-. \n\0tn')), fc.nat(255));
  const change = fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2), fc.nat(3), fc.array(bytes, { maxLength: 2 }));
  fc.assert(
    fc.property(lines, fc.array(change, { minLength: 1, maxLength: 3 }), (line, changes) => {
      let changed = line;
      for (const [place, , removed, inserted] of changes) {
        const at = place % (changed.length + 1);
        changed = Buffer.concat([changed.subarray(0, at), Buffer.from(inserted), changed.subarray(at + removed)]);
      }
      check(changed);
    }),
    { numRuns: 3000 },
  );
  expect(seen.get('not-json')).toBeGreaterThan(100);
});

test('any row of tokens is taken if JSON.parse takes it', () => {
  const tokens = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"verb"',
    '"a"',
    '""',
    '0',
    '-1',
    '1.5e3',
    '1e',
    '-',
    'true',
    'null',
    'fals',
    ' ',
    '\n',
    '\u00a0',
    '{}',
    '[]',
    '"b":',
    '{"a":1}',
    '"\\"',
    '"\\u00e4"',
  );
  fc.assert(
    fc.property(fc.array(tokens, { maxLength: 8 }), (row) => check(Buffer.from(row.join('')))),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.array(tokens, { maxLength: 6 }), (row) => check(Buffer.from(`{"verb":${row.join('')}}`))),
    { numRuns: 3000 },
  );
});

test('a torn line with another glued behind it is never one event', () => {
  const events = lines
    .map((line) => Buffer.concat([Buffer.from(`{"stageTimestamp":"${TIME}",`), line.subarray(1)]))
    .filter((line) => parse(line).valid);
  fc.assert(
    fc.property(events, events, fc.nat(), (one, other, place) => {
      const torn = one.subarray(0, 1 + (place % (one.length - 1)));
      const glued = Buffer.concat([torn, other]);
      expect(view.read(glued, 0, glued.length)).toBe('not-json');
    }),
    { numRuns: 1000 },
  );
});
