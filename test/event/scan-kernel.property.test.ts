import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonScanner } from '../../src/event/json.ts';
import { newSpans, scanEvent } from '../../src/event/scan.ts';
import { scanUsual } from '../../src/event/scan-kernel.ts';
import { recorded } from './trail.ts';

const json = new JsonScanner();

/** What the kernel says of a line, which must be what the plain scanner says, or that it isn't sure. */
function usual(line: Buffer, before = 0): boolean {
  const bytes = Buffer.concat([Buffer.alloc(before, 0x7b), line, Buffer.from('"}]')]);
  const [fast, plain] = [newSpans(), newSpans()];
  const sure = scanUsual(bytes, before, before + line.length, fast);
  const whole = scanEvent(bytes, before, before + line.length, plain, json);
  if (!sure) return false;
  expect(whole, line.toString()).toBe(true);
  expect(fast, line.toString()).toEqual(plain);
  return true;
}

function longLine(length: number): Buffer {
  return Buffer.from(`{"auditID":"${'x'.repeat(length - 14)}"}`);
}

test('the kernel is sure of every recorded event, wherever it stands', () => {
  for (const [at, line] of recorded.entries()) expect(usual(Buffer.from(line), at * 7)).toBe(true);
});

test('what it is sure of is right, with bytes changed, left out, put in or doubled', () => {
  const changes = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 0.9999, noNaN: true }),
      take: fc.constantFrom(0, 0, 1, 1, 2, 20, 500),
      put: fc.oneof(
        fc.constantFrom(
          '"',
          '\\',
          '{',
          '}',
          '[',
          ']',
          ',',
          ':',
          ' ',
          '\0',
          '\n',
          '0',
          '-',
          'e',
          '.',
          '\\u00',
          '"user":{},',
        ),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
    }),
    { minLength: 1, maxLength: 3 },
  );
  let sure = 0;
  const property = fc.property(fc.nat(recorded.length - 1), changes, (which, edits) => {
    let line = Buffer.from(recorded[which] as string);
    for (const { at, take, put } of edits) {
      const place = Math.floor(at * line.length);
      line = Buffer.concat([line.subarray(0, place), Buffer.from(put), line.subarray(place + take)]);
    }
    if (usual(line)) sure += 1;
  });
  fc.assert(property, { numRuns: 4000 });
  expect(sure).toBeGreaterThan(20);
});

test.each([
  ['a torn head with a whole event behind it', (line: string) => line.slice(0, line.length / 2) + line],
  [
    'a torn head with the tail of another',
    (line: string) => line.slice(0, line.length / 3) + line.slice(line.length / 2),
  ],
  ['an event with another behind it', (line: string) => line + line],
  ['an event without its end', (line: string) => line.slice(0, -1)],
])('%s is no event to it', (_, spoil) => {
  for (const line of recorded) expect(usual(Buffer.from(spoil(line)))).toBe(false);
});

test.each([
  ['a number as JSON has none', '{"auditID":01}'],
  ['a number without an end', '{"auditID":1.}'],
  ['a word that is none', '{"auditID":nul}'],
  ['a control character in a string', '{"auditID":"a\u0001"}'],
  ['an escape that is none', String.raw`{"auditID":"\x"}`],
  ['an escape that is not whole', String.raw`{"auditID":"\u12g4"}`],
  ['a comma too many', '{"auditID":"a",}'],
  ['a key without a value', '{"auditID"}'],
  ['brackets that cross', '{"requestObject":[{]}}'],
  ['an object for a key', '{"requestObject":{{}:1}}'],
  ['a white space it leaves to the plain scanner', '{"auditID": "a"}'],
  ['a key that stands twice', '{"user":{"uid":"1"},"user":{"username":"b"}}'],
  ['a key with an escape', String.raw`{"\u0075ser":{"uid":"1"}}`],
  ['great depth', `{"requestObject":${'['.repeat(5000)}${']'.repeat(5000)}}`],
  ['nothing', ''],
  ['no object', '[]'],
])('%s is not for the kernel', (_, line) => {
  expect(usual(Buffer.from(line))).toBe(false);
});

test.each([
  ['numbers of every form', '{"auditID":-0.5e+10,"requestObject":[0,-1,1e9,2E-3,12.25,true,false,null]}'],
  ['empty containers', '{"requestObject":{},"responseObject":[],"annotations":{"a":[{}]}}'],
  ['escapes', String.raw`{"auditID":"\"\\\/\b\f\n\r\t\u00e9\uD83D","requestObject":{"\u0061":"\\\\"}}`],
  ['nothing in it', '{}'],
  ['names that only look like names', '{"users":1,"use":2,"":3,"objectRef":{"name":"a","nane":"b"}}'],
  [
    'a string whose end falls on any byte of a word',
    `{${Array.from({ length: 40 }, (__, n) => `"k${n}":"${'x'.repeat(n)}"`)}}`,
  ],
])('%s are', (_, line) => {
  expect(usual(Buffer.from(line))).toBe(true);
});

test('a line over two mebibytes is left to the plain scanner, one of two mebibytes is not', () => {
  expect(usual(longLine(2 ** 21))).toBe(true);
  expect(usual(longLine(2 ** 21 + 1))).toBe(false);
});
