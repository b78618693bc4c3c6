import { expect, test } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { SLOT } from '../../src/event/field.ts';
import { eventOf } from './event-of.ts';

const TIME = '"stageTimestamp":"2024-01-01T00:00:00.000000Z"';

function read(line: string | Buffer): string | null {
  const bytes = Buffer.from(line as string);
  return new EventView().read(bytes, 0, bytes.length);
}

test.each([
  `{${TIME}}`,
  ` \t\r\n{ ${TIME} }\r\n `,
  `{"a":1e400,${TIME}}`,
  `{"a":-0.0E+05,${TIME}}`,
  `{"a":123456789012345678901234567890,${TIME}}`,
  `{"a":"\\ud800","b":"\\u00e9\\/\\b\\f\\n\\r\\t\\"\\\\",${TIME}}`,
  `{"":{},"__proto__":[],"constructor":null,${TIME}}`,
  `{"a":"\u2028\u007f",${TIME}}`,
  `{"a":${'['.repeat(9000)}${']'.repeat(9000)},${TIME}}`,
  `{"a":${'{"a":'.repeat(9000)}0${'}'.repeat(9000)},${TIME}}`,
])('takes %.60s', (line) => {
  expect(read(line)).toBeNull();
});

test.each([
  ['', 'not-json'],
  [' ', 'not-json'],
  ['{', 'not-json'],
  ['}', 'not-json'],
  [`{${TIME}`, 'not-json'],
  [`{${TIME}}x`, 'not-json'],
  [`{${TIME}}{${TIME}}`, 'not-json'],
  [`{${TIME}},`, 'not-json'],
  [`{${TIME},}`, 'not-json'],
  [`{,${TIME}}`, 'not-json'],
  [`{${TIME} "a":1}`, 'not-json'],
  [`{${TIME},"a"}`, 'not-json'],
  [`{${TIME},"a":}`, 'not-json'],
  [`{${TIME},a:1}`, 'not-json'],
  [`{${TIME},"a":'b'}`, 'not-json'],
  [`{${TIME},"a":01}`, 'not-json'],
  [`{${TIME},"a":1.}`, 'not-json'],
  [`{${TIME},"a":.5}`, 'not-json'],
  [`{${TIME},"a":+1}`, 'not-json'],
  [`{${TIME},"a":1e}`, 'not-json'],
  [`{${TIME},"a":-}`, 'not-json'],
  [`{${TIME},"a":NaN}`, 'not-json'],
  [`{${TIME},"a":tru}`, 'not-json'],
  [`{${TIME},"a":truex}`, 'not-json'],
  [`{${TIME},"a":nul}`, 'not-json'],
  [`{${TIME},"a":[1,]}`, 'not-json'],
  [`{${TIME},"a":[1}}`, 'not-json'],
  [`{${TIME},"a":{"b":1]}`, 'not-json'],
  [`{${TIME},"a":"\t"}`, 'not-json'],
  [`{${TIME},"a":"\0"}`, 'not-json'],
  [`{${TIME},"a":"\\x"}`, 'not-json'],
  [`{${TIME},"a":"\\u12g4"}`, 'not-json'],
  [`{${TIME},"a":"b}`, 'not-json'],
  [`{${TIME},"a":"b\\"}`, 'not-json'],
  [`\u00a0{${TIME}}`, 'not-json'],
  [`\ufeff{${TIME}}`, 'not-json'],
  [`\v{${TIME}}`, 'not-json'],
  [`\0\0\0{${TIME}}`, 'not-json'],
  ['[]', 'not-an-object'],
  ['[{}]', 'not-an-object'],
  ['null', 'not-an-object'],
  ['"{}"', 'not-an-object'],
  [' 12 ', 'not-an-object'],
  ['1 2', 'not-json'],
  ['{}', 'no-timestamp'],
  ['{"stageTimestamp":null}', 'no-timestamp'],
  ['{"stageTimestamp":1704067200}', 'no-timestamp'],
  ['{"stageTimestamp":"yesterday"}', 'no-timestamp'],
  [`{"metadata":{${TIME}}}`, 'no-timestamp'],
  [`{${TIME},"stageTimestamp":""}`, 'no-timestamp'],
])('refuses %j: %s', (line, reason) => {
  expect(read(line)).toBe(reason);
});

test('of a key that stands twice the last one counts, with all that is in it', () => {
  const event = eventOf(`{"user":{"username":"a","uid":"1"},"verb":"get","user":{"username":"b"},"verb":null,${TIME}}`);
  expect([event.text(SLOT['user.username']), event.has(SLOT['user.uid']), event.has(SLOT.verb)]).toEqual([
    'b',
    false,
    false,
  ]);
  const replaced = eventOf(`{"user":{"username":"a"},"user":"nobody",${TIME}}`);
  expect([replaced.has(SLOT['user.username']), replaced.text(SLOT.user)]).toEqual([false, 'nobody']);
});

test('a key may be written with escapes', () => {
  const event = eventOf(`{"\\u0075ser":{"user\\u006eame":"a"},"verb\\u0020":"x",${TIME}}`);
  expect([event.text(SLOT['user.username']), event.has(SLOT.verb)]).toEqual(['a', false]);
});

test('what looks like a field inside of a body or of another object is none', () => {
  const event = eventOf(
    `{"requestObject":{"verb":"x","user":{"username":"y"}},"user":{"verb":"z","extra":{"username":["w"]}},"a":"\\"verb\\":\\"v\\"",${TIME}}`,
  );
  expect([event.has(SLOT.verb), event.has(SLOT['user.username'])]).toEqual([false, false]);
});

test('the time is that of stageTimestamp, or of requestReceivedTimestamp where there is no other', () => {
  const received = '"requestReceivedTimestamp":"2024-01-01T00:00:01.000000Z"';
  expect(eventOf(`{${received},${TIME}}`).timeText()).toBe('2024-01-01T00:00:00.000000Z');
  expect(eventOf(`{${received}}`).timeNs()).toBe(1_704_067_201_000_000_000n);
  expect(eventOf(`{${received},"stageTimestamp":"never"}`).timeText()).toBe('2024-01-01T00:00:01.000000Z');
  expect(eventOf('{"stageTimestamp":"2024\\u002d01-01T00:00:00Z"}').timeNs()).toBe(1_704_067_200_000_000_000n);
});

test('bytes that are no UTF-8 stay as they are and read as U+FFFD', () => {
  const event = eventOf(Buffer.from(`{"verb":"a\xffb\xc3",${TIME}}`, 'latin1'));
  expect(event.text(SLOT.verb)).toBe('a\ufffdb\ufffd');
  expect(event.bytes.subarray(event.valueStart(SLOT.verb), event.valueEnd(SLOT.verb)).toString('latin1')).toBe(
    '"a\xffb\xc3"',
  );
});

test('annotations are found by their decoded key, the last of two, and only texts', () => {
  const event = eventOf(`{"annotations":{ "a" : "1", "b\\u002fc":"2","d":5,"a":"\\u0033" ,"e":{"f":"6"}},${TIME}}`);
  expect(['a', 'b/c', 'd', 'e', 'f', 'z'].map((key) => event.annotation(key))).toEqual(['3', '2', '', '', '', '']);
  expect(eventOf(`{"annotations":["a"],${TIME}}`).annotation('a')).toBe('');
  expect(eventOf(`{"annotations":{},${TIME}}`).annotation('a')).toBe('');
  expect(eventOf(`{${TIME}}`).annotation('a')).toBe('');
  expect(eventOf(`{"annotations":{"a":"1","a":null},${TIME}}`).annotation('a')).toBe('');
});

test('a view that is read again knows nothing of what it read before', () => {
  const view = eventOf(`{"verb":"get","user":{"username":"a"},${TIME}}`);
  expect(view.json()).toMatchObject({ verb: 'get' });
  const next = Buffer.from(` {${TIME}} `);
  expect(view.read(next, 0, next.length)).toBeNull();
  expect([view.has(SLOT.verb), view.has(SLOT['user.username']), view.start, view.end]).toEqual([
    false,
    false,
    1,
    next.length - 1,
  ]);
  expect(view.json()).toEqual({ stageTimestamp: '2024-01-01T00:00:00.000000Z' });
  const broken = Buffer.from(`{"verb":"get",${TIME}`);
  expect(view.read(broken, 0, broken.length)).toBe('not-json');
  expect([view.has(SLOT.verb), view.has(SLOT.stageTimestamp)]).toEqual([false, false]);
});

test('a reference is bounded, whatever a client sends as its Audit-ID', () => {
  const event = eventOf(`{"auditID":"${'x'.repeat(5000)}","stage":"ResponseComplete",${TIME}}`);
  const { auditID, stage, time } = event.reference();
  expect([auditID.length, stage, time]).toEqual([128, 'ResponseComplete', '2024-01-01T00:00:00.000000Z']);
});

test('nothing behind the end is looked at, and nothing in front of the start', () => {
  const line = `{"a":1,${TIME}}`;
  const bytes = Buffer.from(`"}${line}}"`);
  const view = new EventView();
  expect(view.read(bytes, 2, 2 + line.length)).toBeNull();
  for (let end = 2; end < 2 + line.length; end += 1) expect(view.read(bytes, 2, end)).toBe('not-json');
});
