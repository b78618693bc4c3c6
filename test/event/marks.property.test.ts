import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { MARK } from '../../src/event/mark.ts';
import { findMarks } from '../../src/event/marks.ts';
import { eventOf } from './event-of.ts';
import { recorded } from './trail.ts';

const WORDS: readonly (readonly [string, number])[] = [
  ['eyJ', MARK.webToken],
  ['Bearer', MARK.bearer],
  ['http://user:word@host', MARK.userInfo],
  [String.raw`http:\/\/user:word@host`, MARK.userInfo],
  [`:${'x'.repeat(600)}@`, MARK.userInfo],
  ['Secret', MARK.secret],
  ['H4sI', MARK.gzip],
  [String.raw`\u0053`, MARK.escaped],
  [String.raw`\\u0053`, MARK.escaped | MARK.escapedTwice],
];

/** What only looks like one of them. */
const ALIKE = [
  'yJ',
  'ey',
  'Bear',
  'bearer',
  'http://user@host',
  'a@sha256',
  'Secre',
  'secret',
  'H4s',
  String.raw`\u0026`,
];

function line(text: string): string {
  return `{"auditID":"${text}","stageTimestamp":"2026-11-23T05:13:10.552784Z"}`;
}

test.each(WORDS)('%j is found wherever it stands in a line', (word, mark) => {
  for (let before = 0; before < 40; before += 1) {
    const text = line(`${'-'.repeat(before)}${word}`);
    expect(findMarks(Buffer.from(text))).toBe(mark);
    expect(eventOf(text).marks()).toBe(mark);
  }
});

test.each(ALIKE)('%j is no mark', (word) => {
  const text = line(`-${word}-`);
  expect(findMarks(Buffer.from(text))).toBe(0);
  expect(eventOf(text).marks()).toBe(0);
});

test('the kernel finds what is found without it', () => {
  const piece = fc.oneof(
    fc.constantFrom(...WORDS.map(([word]) => word), ...ALIKE, '://', ':', '@', '/', ' ', 'e', 'S'),
    fc.string({ unit: fc.constantFrom('y', 'J', 'S', 'e', 'c', 'B', 'a', 'r', ':', '/', '@', 'x', 'é') }),
  );
  const property = fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(40), (pieces, before) => {
    const text = line(pieces.join(''));
    const bytes = Buffer.from(`${'Secret'.repeat(before)}${text}Secret`);
    const [start, end] = [before * 6, before * 6 + Buffer.byteLength(text)];
    const view = new EventView();
    expect(view.read(bytes, start, end)).toBeNull();
    expect(view.marks()).toBe(findMarks(bytes.subarray(start, end)));
  });
  fc.assert(property, { numRuns: 500 });
});

test('recorded events have the same marks with the kernel and without', () => {
  for (const text of recorded) expect(eventOf(text).marks()).toBe(findMarks(Buffer.from(text)));
});

test('two views do not take the marks of each other, nor of a line that is gone', () => {
  const [one, other] = [new EventView(), new EventView()];
  const bytes = Buffer.from(line('Secret'));
  expect(one.read(bytes, 0, bytes.length)).toBeNull();
  expect(other.read(Buffer.from(line('Bearer')), 0, bytes.length)).toBeNull();
  expect(one.marks()).toBe(MARK.secret);
  expect(other.marks()).toBe(MARK.bearer);
  bytes.write(line('secret'));
  expect(one.read(bytes, 0, bytes.length)).toBeNull();
  expect(one.marks()).toBe(0);
});

test('lines that the kernel does not take have marks too', () => {
  expect(eventOf(line(`${'x'.repeat(2 ** 20)}Secret`)).marks()).toBe(MARK.secret);
  expect(eventOf(line('eyJ').replace(':', ' : ')).marks()).toBe(MARK.webToken);
});
