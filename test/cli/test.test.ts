import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { auditail } from './fake-terminal.ts';

const EVENTS = new URL('../fixtures/events.log', import.meta.url).pathname;
const FILTER = `drop:
  - { name: leases, when: 'objectRef.resource == "leases"' }
  - { name: watches, when: 'verb == "watch"' }
`;

/** A folder with a filter, recorded events, and a file of expectations. */
function scene(expectations: string, head = 'events: audit.log\nfilter: filter.yaml\n'): string {
  const folder = temporaryDirectory();
  fs.copyFileSync(EVENTS, path.join(folder, 'audit.log'));
  fs.writeFileSync(path.join(folder, 'filter.yaml'), FILTER);
  const file = path.join(folder, 'expect.yaml');
  fs.writeFileSync(file, head + expectations);
  return file;
}

async function test(file: string, ...flags: readonly string[]) {
  const { exit, out, error } = await auditail(['test', file, ...flags]);
  const folder = `${path.dirname(file)}/`;
  const plain = (text: string) => text.replaceAll(folder, '').replaceAll(`\n${' '.repeat(folder.length)}`, '\n');
  return { exit, out: plain(out), error: plain(error) };
}

const GOOD = `expectations:
  - name: leases are dropped
    when: objectRef.resource == "leases"
    dropped: leases
    count: 2
  - auditID: 9e5ef61b-cf0c-4ec8-a050-c41c52a36a38
    stage: ResponseComplete
    level: Request
`;

it('says that all is as expected, and ends with 0', async () => {
  expect(await test(scene(GOOD))).toMatchInlineSnapshot(`
    {
      "error": "",
      "exit": 0,
      "out": "✓ expect.yaml (2 expectations)
      ✓ leases are dropped (2 events)
      ✓ 9e5ef61b-cf0c-4ec8-a050-c41c52a36a38 ResponseComplete (1 event)

           Files  1 passed (1)
    Expectations  2 passed (2)
          Events  60
    ",
    }
  `);
});

it('says what is not as expected, where, and ends with 1', async () => {
  const file = scene(`expectations:
  - when: verb == "watch"
    delivered: true
  - name: lists are dropped
    when: verb == "list" && objectRef.resource in ["pods", "leases"]
    dropped: leases
  - name: no names
    when: verb == "list" && objectRef.resource == "pods"
    noValue: [user.username, user.nam]
  - { name: deletes, when: verb == "delete", delivered: true }
  - { name: gets, when: verb == "get", level: Metadata }
`);
  expect(await test(file)).toMatchInlineSnapshot(`
    {
      "error": "",
      "exit": 1,
      "out": "❯ expect.yaml (5 expectations, 4 failed)
      × verb == "watch" (31 events)
          at expect.yaml:4:5
          audit.log:28 a0b56074-0751-4ff5-a744-bc1a807e1e05: expected to be delivered, but is dropped by watches
          audit.log:29 5e920a61-b84b-4ccf-8245-5ef51285be80: expected to be delivered, but is dropped by watches
          audit.log:30 456f9d8c-72b6-4b46-a9e9-f064cbe4971a: expected to be delivered, but is dropped by watches
          audit.log:31 84dcea1a-bdb7-4185-b90c-16f79fdc3153: expected to be delivered, but is dropped by watches
          audit.log:32 6cba8dfa-72fc-455b-a110-2b32d7871029: expected to be delivered, but is dropped by watches
          and 26 more
      × lists are dropped (2 events)
          at expect.yaml:6:5
          audit.log:6 4ed8a55b-3d68-4563-a435-b18e711694ba: expected to be dropped by leases, but is delivered
      × no names (1 event)
          at expect.yaml:9:5
          audit.log:6 4ed8a55b-3d68-4563-a435-b18e711694ba: expected no value at user.username, but 1 of 1 can be seen
      × deletes (0 events)
          at expect.yaml:12:5
          expected at least one event to be meant, but none is
      ✓ gets (2 events)

           Files  1 failed (1)
    Expectations  4 failed | 1 passed (5)
          Events  60
    ",
    }
  `);
});

it('points at every mistake in a file of expectations', async () => {
  const file = scene(`expectations:
  - when: verbb == "watch"
    delivered: true
  - delivered: true
  - when: verb == "get"
  - { when: verb == "get", dropped: leases, level: Metadata }
  - { when: verb == "get", noValue: [a, 'b..c'] }
  - { when: verb == "get", delivered: false }
  - { when: verb == "get", levle: Metadata }
  - { when: verb == "get", dropped: 7, count: 0 }
`);
  expect(await test(file)).toMatchInlineSnapshot(`
    {
      "error": "error AUD_CONFIG: 4 problems
    expect.yaml:10:39  expectations[5].delivered  must be one of true, not false
    expect.yaml:11:28  expectations[6].levle      unknown option; did you mean "level"?
    expect.yaml:12:37  expectations[7].dropped    must be true, or the name of a rule
    expect.yaml:12:47  expectations[7].count      must be at least 1, not 0
    ",
      "exit": 2,
      "out": "",
    }
  `);
  const some = scene(`expectations:
  - when: verbb == "watch"
    delivered: true
  - delivered: true
  - when: verb == "get"
  - { when: verb == "get", dropped: leases, level: Metadata }
  - { when: verb == "get", noValue: [a, 'b..c'] }
`);
  expect(await test(some)).toMatchInlineSnapshot(`
    {
      "error": "error AUD_CONFIG: 5 problems
    expect.yaml:4:11  expectations[0].when        no such field: verbb
                        > verbb == "watch"
                          ^
    expect.yaml:6:5   expectations[1]             says of no event what it expects: add when or auditID
    expect.yaml:7:5   expectations[2]             expects nothing: add delivered, dropped, level or noValue
    expect.yaml:8:37  expectations[3].dropped     what is dropped is not delivered: this cannot be expected of one event
    expect.yaml:9:41  expectations[4].noValue[1]  is no path, such as responseObject.data or requestObject.items[*].data["a.b"]
    ",
      "exit": 2,
      "out": "",
    }
  `);
});

it('refuses files that cannot be, and rules that are not there', async () => {
  const leasse = await test(scene(GOOD.replace('dropped: leases', 'dropped: leasse')));
  expect(leasse).toMatchObject({
    exit: 2,
    error: expect.stringContaining('expect.yaml:4:5: filter.yaml has no rule "leasse"'),
  });
  expect(leasse.error).toContain('Did you mean leases?');
  for (const head of ['', 'events: audit.log\n', 'filter: filter.yaml\n', 'events: []\nfilter: filter.yaml\n']) {
    expect(await test(scene(GOOD, head))).toMatchObject({ exit: 2, out: '' });
  }
  expect(await test(scene('', ''))).toMatchObject({ exit: 2, error: expect.stringContaining('is empty') });
  expect(await test('/nowhere.yaml')).toMatchObject({ exit: 2, error: expect.stringContaining('is not there') });
  expect(await test(scene(GOOD, 'events: other.log\nfilter: filter.yaml\n'))).toMatchObject({ exit: 1 });
});

it('holds an audit policy to the level at which it lets events through', async () => {
  const file = scene(`expectations:
  - { name: lowered, when: verb == "list" && objectRef.resource == "pods", level: Metadata }
  - { name: dropped, when: verb == "watch", dropped: 'policy[none]' }
  - { name: not raised, when: verb == "list" && objectRef.resource == "leases", level: Request }
`);
  fs.writeFileSync(
    path.join(path.dirname(file), 'filter.yaml'),
    `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - { level: Metadata, verbs: [list], resources: [{ resources: [pods] }] }
  - { level: Request, verbs: [list] }
`,
  );
  const { out, exit } = await test(file);
  expect(exit).toBe(1);
  expect(out).toContain('✓ lowered (1 event)');
  expect(out).toContain('✓ dropped (31 events)');
  expect(out).toContain('expected at level Request, but is delivered at "Metadata"');
});

it('takes events from a pipe, and another filter', async () => {
  const file = scene(GOOD, '');
  const filter = path.join(path.dirname(file), 'filter.yaml');
  const args = ['test', file, '--filter-file', filter, '--events', '-'];
  const ran = await auditail(args, {}, [Buffer.from('{"broken\n'), fs.readFileSync(EVENTS)]);
  expect(ran).toMatchObject({ exit: 0, error: 'no event: 1 piece, 8 B (not-json)\n' });
});

it('writes a report for build servers, with nothing of an event as markup', async () => {
  const file = scene(`expectations:
  - { name: '<good> & "well"', when: verb == "get", delivered: true }
  - { name: bad, when: verb == "get" && user.username == "admin", dropped: true }
`);
  const report = path.join(path.dirname(file), 'junit.xml');
  expect(await test(file, '--junit', report)).toMatchObject({ exit: 1 });
  const xml = fs.readFileSync(report, 'utf8').replaceAll(`${path.dirname(file)}/`, '');
  expect(xml.replace(/time="[\d.]+"/, 'time="0"')).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <testsuites>
      <testsuite name="expect.yaml" tests="2" failures="1" errors="0" time="0">
        <testcase name="&lt;good&gt; &amp; &quot;well&quot;" classname="expect.yaml" file="expect.yaml" line="4"/>
        <testcase name="bad" classname="expect.yaml" file="expect.yaml" line="5">
          <failure message="expected to be dropped, but is delivered" type="expectation">audit.log:47 60895e13-774f-4866-8ef2-2fc8f3d355b0: expected to be dropped, but is delivered</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "
  `);
  expect(await test(file, '--junit', '/nowhere/x')).toMatchObject({ exit: 2 });
});
