import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventListLines } from '../../src/event/event-list.ts';
import { shared } from '../support/shared.ts';

function linesOf(text: string): string {
  const list = eventListLines(Buffer.from(text));
  if ('malformed' in list) throw new Error(list.malformed);
  expect(list.events).toBe(list.lines.toString().split('\n').length - 1);
  return list.lines.toString();
}

const HEAD = '"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{}';
const EVENT = '"kind":"Event","apiVersion":"audit.k8s.io/v1"';

it('makes a line of each item, with kind and apiVersion as the log backend writes them', () => {
  expect(linesOf(`{${HEAD},"items":[{"level":"Metadata","auditID":"a"},{"level":"None"}]}\n`)).toBe(
    `{${EVENT},"level":"Metadata","auditID":"a"}\n{${EVENT},"level":"None"}\n`,
  );
});

it('takes what stands behind the items for the list, too', () => {
  expect(linesOf('{"items":[{"a":1}],"apiVersion":"audit.k8s.io/v1","kind":"EventList"}')).toBe(`{${EVENT},"a":1}\n`);
});

it('leaves out what an item has already', () => {
  expect(linesOf(`{${HEAD},"items":[{"kind":"Event","apiVersion":"audit.k8s.io/v1","a":1}]}`)).toBe(
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","a":1}\n',
  );
  expect(linesOf(`{${HEAD},"items":[{"kind":"Event","a":1}]}`)).toBe(
    '{"apiVersion":"audit.k8s.io/v1","kind":"Event","a":1}\n',
  );
});

it('takes an item without members', () => {
  expect(linesOf(`{${HEAD},"items":[{}, { }]}`)).toBe(`{${EVENT}}\n{${EVENT} }\n`);
});

it.each(['[]', ' [ ] ', 'null'])('has no lines where items are %s', (items) => {
  expect(linesOf(`{${HEAD},"items":${items}}`)).toBe('');
});

it('keeps a printed event on one line, and its strings as they are', () => {
  expect(linesOf(`{\n${HEAD},\n"items": [\n{\n "a": "x\\ny"\n}\n]\n}`)).toBe(`{${EVENT},  "a": "x\\ny" }\n`);
});

it('does not take a key inside of an object for one of the event', () => {
  expect(linesOf(`{${HEAD},"items":[{"o":{"kind":"Pod","apiVersion":"v1"}}]}`)).toBe(
    `{${EVENT},"o":{"kind":"Pod","apiVersion":"v1"}}\n`,
  );
});

it.each([
  ['', 'missing'],
  ['[]', 'an object is missing'],
  [`{${HEAD}}`, 'no items'],
  [`{${HEAD},"items":[],"items":[]}`, 'twice'],
  [`{${HEAD},"items":[1]}`, 'an object is missing'],
  [`{${HEAD},"items":{}}`, 'a list is missing'],
  [`{${HEAD},"items":[{"a":1},]}`, 'an object is missing'],
  [`{${HEAD},"items":[]}{}`, 'behind the list'],
  ['{"kind":"Event","apiVersion":"audit.k8s.io/v1","items":[]}', 'no EventList'],
  ['{"kind":"EventList","apiVersion":"v1","items":[]}', 'no EventList'],
])('refuses %s', (text, words) => {
  expect(eventListLines(Buffer.from(text))).toMatchObject({ malformed: expect.stringContaining(words) });
});

it.each([
  ['a version as long as many events', `"audit.k8s.io/${'v'.repeat(2 ** 20)}"`],
  ['a version that is none', '"audit.k8s.io/v1\\u000a"'],
  ['another group that begins alike', '"audit.k8s.io/v1/x"'],
])('refuses %s', (_, apiVersion) => {
  const list = eventListLines(Buffer.from(`{"kind":"EventList","apiVersion":${apiVersion},"items":[{},{}]}`));
  expect(list).toMatchObject({ malformed: expect.stringContaining('no EventList') });
});

it('makes no more of a body of tiny items than a few times its size', () => {
  const list = eventListLines(Buffer.from(`{${HEAD},"items":[${'{},'.repeat(100_000)}{}]}`));
  expect(list).toMatchObject({ malformed: expect.stringContaining('too small') });
});

it('looks at each byte of a large body once, however many items it has', () => {
  const item = JSON.stringify({ level: 'Metadata', auditID: 'x'.repeat(36) });
  const body = Buffer.from(`{${HEAD},"items":[${Array.from({ length: 60_000 }, () => item).join(',')}]}`);
  const started = process.cpuUsage();
  expect(eventListLines(body)).toMatchObject({ events: 60_000 });
  const { user, system } = process.cpuUsage(started);
  // Tenths of a second; many times that where each line is searched to the end of the body.
  expect((user + system) / 1e6).toBeLessThan(2);
});

it('refuses a body that is cut off anywhere', () => {
  const whole = `{${HEAD},"items":[{"a":{"b":[1,"x"]},"c":-1.5e3},{"d":null}]}`;
  expect(linesOf(whole)).not.toBe('');
  for (let length = 0; length < whole.length; length += 1) {
    expect(eventListLines(Buffer.from(whole.slice(0, length)))).toHaveProperty('malformed');
  }
});

const recorded = shared('corpus/webhook-eventlist.json');

it.skipIf(recorded === undefined)('reads a body that an API server has posted (skipped where there is none)', () => {
  const text = readFileSync(recorded ?? '', 'utf8');
  const { items } = JSON.parse(text) as { items: object[] };
  const lines = linesOf(text).trimEnd().split('\n');
  expect(lines).toEqual(
    items.map((item) =>
      // As Go does, and JSON.stringify does not.
      JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', ...item }).replaceAll('&', '\\u0026'),
    ),
  );
});
