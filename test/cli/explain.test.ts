import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { auditail } from './fake-terminal.ts';

const EVENTS = new URL('../fixtures/events.log', import.meta.url).pathname;

function written(name: string, text: string): string {
  const file = path.join(temporaryDirectory(), name);
  fs.writeFileSync(file, text);
  return file;
}

const OLD = `drop: [{ name: leases, when: 'objectRef.resource == "leases"' }]
keep: [{ name: watches, when: 'verb == "watch"' }]
`;
const NEW = `drop: [{ name: secrets, when: 'objectRef.resource == "secrets"' }]
keep: [{ name: changes, when: 'verb in ["watch", "get"]' }]
`;

function plain(text: string): string {
  return text.replaceAll(EVENTS, 'events.log');
}

it('says of each event which rules were tried and which decided', async () => {
  const ran = await auditail(['explain', '--filter-file', written('f.yaml', OLD), '--rule', 'leases', EVENTS]);
  expect(ran.exit).toBe(0);
  expect(plain(ran.out)).toMatchInlineSnapshot(`
    "events.log:23  2026-11-23T05:07:04.642157Z  list /apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-ap... by system:apiserver  200  a7122f4f-8f56-4bb5-acf5-2346f2c06b7a
      drop leases  yes
      dropped by leases: 912 bytes
    events.log:57  2026-11-23T05:07:04.700298Z  watch /apis/coordination.k8s.io/v1/namespaces/kube-system/leases?allowWatchBookmarks=true&labelSelector=apiserver.kubernete... by system:apiserver  ResponseStarted  04ff0c87-cdd7-4211-a8d7-f2162f284927
      drop leases  yes
      dropped by leases: 986 bytes

    outcome    rule     events     bytes  delivered
    delivered  watches      30  25.5 KiB   25.5 KiB
    dropped    keep         28  21.5 KiB        0 B
    dropped    leases        2   1.9 KiB        0 B
    "
  `);
});

it('shows the bytes before and after where they are asked for', async () => {
  const filter = written('f.yaml', OLD);
  const ran = await auditail([
    'explain',
    '--filter-file',
    filter,
    '--bytes',
    '--id',
    '43d8cf8a-c22a-44ec-93e1-75c00cebdd5a',
    EVENTS,
  ]);
  expect(ran.out).toContain(`  - ${fs.readFileSync(EVENTS, 'utf8').split('\n', 1)[0]}\n`);
  expect(ran.out).toContain('dropped by keep: 831 bytes');
});

it('says what another filter would add and hide', async () => {
  const files = [written('old.yaml', OLD), written('new.yaml', NEW)];
  const ran = await auditail(['explain', '--diff', ...files, EVENTS, '--rule', 'secrets']);
  expect(ran.exit).toBe(0);
  expect(plain(ran.out)).toMatchInlineSnapshot(`
    "events.log:49  2026-11-23T05:07:04.697064Z  watch /api/v1/secrets?allowWatchBookmarks=true&resourceVersion=1&timeout=6m51s&timeoutSeconds=411&watch=true by system:apiserver  ResponseStarted  c26b26ca-7bf9-48f1-b4a6-4054a8fe5cf2
      hidden: 814 bytes -> dropped by secrets

    outcome  rule     events       old       new
    same     -            56  45.9 KiB  45.9 KiB
    added    keep          2       0 B   1.2 KiB
    added    leases        1       0 B     986 B
    hidden   secrets       1     814 B       0 B
    "
  `);
});

it('takes the filter of an output from a configuration', async () => {
  const config = written(
    'auditail.yaml',
    `sources: [{ name: api, type: stdin }]
outputs:
  - { name: one, type: stdout }
  - { name: two, type: file, path: /x, filter: { drop: [{ name: everything, when: 'true' }] } }
`,
  );
  const several = await auditail(['explain', '--config', config, EVENTS]);
  expect(several).toMatchObject({ exit: 2, error: expect.stringContaining('--output: one, two.') });
  const one = await auditail(['explain', '--output', 'two', EVENTS], { AUDITAIL_CONFIG: config });
  expect(one).toMatchObject({ exit: 0, out: expect.stringMatching(/dropped {2}everything {6}60/) });
});

const POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: None
    resources: [{ group: coordination.k8s.io, resources: [leases] }]
  - level: Metadata
    verbs: [list]
`;

it('explains an audit policy, by its rules and their lines', async () => {
  const policy = written('policy.yaml', POLICY);
  const leases = await auditail(['explain', '--filter-file', policy, '--rule', 'policy[0]', '--limit', '1', EVENTS]);
  expect(plain(leases.out)).toMatchInlineSnapshot(`
    "events.log:23  2026-11-23T05:07:04.642157Z  list /apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-ap... by system:apiserver  200  a7122f4f-8f56-4bb5-acf5-2346f2c06b7a
      policy[0]  yes: level None, line 4
      dropped by policy[0]: 912 bytes

    outcome    rule          events     bytes  delivered
    delivered  policy[1]         26  20.3 KiB   20.3 KiB
    dropped    policy[none]      32  26.7 KiB        0 B
    dropped    policy[0]          2   1.9 KiB        0 B
    "
  `);
  const lists = await auditail(['explain', '--filter-file', policy, '--rule', 'policy[1]', '--limit', '1', EVENTS]);
  expect(plain(lists.out)).toMatchInlineSnapshot(`
    "events.log:1  2026-11-23T05:07:04.591933Z  list /apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=500&resourceVersion=0 by system:apiserver  200  43d8cf8a-c22a-44ec-93e1-75c00cebdd5a
      policy[1]  yes: level Metadata, line 6
      delivered by policy[1]: 831 -> 832 bytes
        level: 9 -> 10 bytes

    outcome    rule          events     bytes  delivered
    delivered  policy[1]         26  20.3 KiB   20.3 KiB
    dropped    policy[none]      32  26.7 KiB        0 B
    dropped    policy[0]          2   1.9 KiB        0 B
    "
  `);
  const added = await auditail([
    'explain',
    '--diff',
    policy,
    written('open.yaml', 'drop: []\n'),
    '--limit',
    '0',
    EVENTS,
  ]);
  expect(plain(added.out)).toMatchInlineSnapshot(`
    "
    outcome  rule          events       old       new
    changed  -                 21  16.4 KiB  16.3 KiB
    added    policy[none]      32       0 B  26.7 KiB
    same     -                  5   4.0 KiB   4.0 KiB
    added    policy[0]          2       0 B   1.9 KiB
    "
  `);
});

it('points at every mistake in a policy', async () => {
  const file = written('policy.yaml', `${POLICY}  - level: metadata\n  - levl: None\n`);
  const ran = await auditail(['explain', '--filter-file', file, EVENTS]);
  expect(ran.exit).toBe(2);
  expect(ran.error).toContain('policy.yaml:8:');
  expect(ran.error).toContain('policy.yaml:9:');
});

it('points at every mistake in a filter file', async () => {
  const file = written(
    'f.yaml',
    `drop:\n  - { name: a, when: 'verbb == "x"' }\n  - { nam: b, when: 'true' }\nkep: []\n`,
  );
  const ran = await auditail(['explain', '--filter-file', file, EVENTS]);
  expect(ran.exit).toBe(2);
  const folder = `${path.dirname(file)}/`;
  expect(ran.error.replaceAll(folder, '').replaceAll(`\n${' '.repeat(folder.length)}`, '\n')).toMatchInlineSnapshot(`
    "error AUD_CONFIG: 3 problems
    f.yaml:2:22  drop[0].when  no such field: verbb
                   > verbb == "x"
                     ^
    f.yaml:3:7   drop[1].nam   unknown option; did you mean "name"?
    f.yaml:4:1   kep           unknown option; did you mean "keep"?
    "
  `);
});

it('refuses what makes no sense, with what would', async () => {
  const filter = written('f.yaml', OLD);
  const errors = [
    ['explain'],
    ['explain', '--filter-file', filter, '--rule', 'leasse', EVENTS],
    ['explain', '--diff', filter, EVENTS],
    ['explain', '--limit', 'x', EVENTS],
    ['explain', '-', '-'],
    ['explain', '--max-line-bytes', 'many', '-'],
    ['explain', '--filter-file', written('e.yaml', ''), '-'],
  ];
  for (const args of errors) expect(await auditail(args)).toMatchObject({ exit: 2, out: '' });
  const { error } = await auditail(errors[1] as string[]);
  expect(error).toContain('Did you mean leases?');
});

it('prints nothing that a terminal would obey, as text and as JSON', async () => {
  const event = {
    verb: '\u001b[31m',
    user: { username: 'a\nb\u202e\u009b' },
    auditID: '\u001b]0;x\u0007',
    requestURI: '/\u2028',
    stageTimestamp: '2026-11-23T05:07:04.591933Z',
  };
  for (const flags of [['--bytes'], ['--json']]) {
    const line = Buffer.from(`${JSON.stringify(event).replaceAll('\\u001b', '\\u001b')}\n`);
    const ran = await auditail(['explain', ...flags, '-'], {}, [line]);
    expect(ran.exit).toBe(0);
    expect(ran.out.replaceAll('\n', '')).toMatch(/^[\x20-\x7e]+$/);
    expect(ran.out.split('\n').length).toBeLessThan(9);
  }
});

it('reads a pipe with broken lines, and says what was no event', async () => {
  const pipe = [fs.readFileSync(EVENTS), Buffer.from('{"broken\n[]\n')];
  const ran = await auditail(['explain', '--limit', '0', '-'], {}, pipe);
  expect(ran.exit).toBe(0);
  expect(ran.out).toContain('delivered  -         60');
  expect(ran.error).toContain('no event: 1 piece, 8 B (not-json)\nno event: 1 piece, 2 B (not-an-object)');
});
