import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startReceiver } from '../output/support/receiver.ts';
import { line } from '../alert/rules.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { auditail } from './fake-terminal.ts';

const RULES = `rules:
  - name: read-secret
    severity: high
    description: d
    resources: [secrets]
    when: user.username == "eve"
    summary: '{{user.username}} read {{objectRef.name}}'
  - { name: never, severity: low, description: d, when: 'verb == "fly"', summary: s }
`;

function written() {
  const directory = temporaryDirectory();
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const rules = file('rules.yaml', RULES);
  const events = file('audit.log', `${line(0)}\n${line(1, { user: 'eve' })}\n${line(2, { user: 'eve' })}\n`);
  return { directory, file, rules, events };
}

test('replay says what would have been told, and with which event', async () => {
  const { directory, rules, events } = written();
  const { out, exit } = await auditail(['alerts', 'replay', '--rules', rules, '--events', events]);
  expect(exit).toBe(0);
  expect(out.replaceAll(directory, '')).toMatchInlineSnapshot(`
    "1 alert of 1 rule in 3 events; 1 rule quiet

    rule         severity  alerts  matches  first                     last
    read-secret  high           1        2  2026-11-23T10:00:01.000Z  2026-11-23T10:00:01.000Z

    2026-11-23T10:00:01.000Z  high  read-secret: eve read db  /audit.log:2  id-1-eve-db
    "
  `);
});

test('replay as JSON has every alert with its event; as a page, its text is escaped', async () => {
  const { file, rules } = written();
  const events = file('x.log', `${line(0, { user: 'eve', name: '<script>' })}\n`);
  const { out } = await auditail([
    'alerts',
    'replay',
    '--rules',
    rules,
    '--rule',
    'read-secret',
    '--format',
    'json',
    events,
  ]);
  expect(JSON.parse(out)).toMatchObject({
    rules: [{ name: 'read-secret', alerts: 1, matches: 1 }],
    alerts: [{ rule: 'read-secret', summary: 'eve read <script>', where: { line: 1 } }],
  });
  const page = await auditail(['alerts', 'replay', '--rules', rules, '--format', 'html', events]);
  expect(page.out).toContain('eve read &lt;script&gt;');
  expect(page.out).not.toContain('<script>');
  const stats = await auditail(['stats', '--format', 'html', '--alert-rules', rules, events]);
  expect(stats.out).toContain('eve read &lt;script&gt;');
});

test('test holds rules to what is expected of them', async () => {
  const { file, directory } = written();
  const good = file(
    'good.yaml',
    'rules: rules.yaml\nexpectations:\n  - { rule: read-secret, events: audit.log, fires: 1, summary: eve read db }\n  - { rule: never, events: audit.log, quiet: true }\n',
  );
  expect(await auditail(['alerts', 'test', good])).toMatchObject({ exit: 0 });
  const bad = file(
    'bad.yaml',
    'rules: rules.yaml\nexpectations:\n  - { rule: read-secret, events: audit.log, quiet: true }\n  - { rule: never, events: audit.log }\n',
  );
  const { out, exit } = await auditail(['alerts', 'test', bad]);
  expect(exit).toBe(1);
  expect(out.replaceAll(directory, '')).toMatchInlineSnapshot(`
    "❯ /bad.yaml (2 expectations, 2 failed)
      × read-secret is quiet (3 events)
          at /bad.yaml:3:5
          fired 1 times, expected 0: eve read db
      × never fires (3 events)
          at /bad.yaml:4:5
          fired 0 times, expected one at least
    "
  `);
  expect(
    await auditail([
      'alerts',
      'test',
      file('no.yaml', 'rules: rules.yaml\nexpectations:\n  - { rule: reed-secret, events: audit.log }\n'),
    ]),
  ).toMatchObject({
    exit: 2,
    error: expect.stringContaining('Did you mean read-secret?'),
  });
});

test('send-test tells the receivers, and says who did not take it', async () => {
  const { file, rules, directory } = written();
  const hook = await startReceiver(({ url }) => ({ status: url === '/good' ? 200 : 400 }));
  onTestFinished(() => hook[Symbol.asyncDispose]());
  const config = file(
    'auditail.yaml',
    `stateDirectory: ${directory}/state
sources: [{ name: kube, type: file, path: ${directory}/audit.log }]
outputs: [{ name: out, type: stdout }]
alerts:
  rules: [${rules}]
  receivers:
    - { name: good, type: webhook, url: ${hook.url}/good }
    - { name: bad, type: slack, url: ${hook.url}/bad }
`,
  );
  const { out, exit } = await auditail(['alerts', 'send-test', '--config', config]);
  expect(exit).toBe(1);
  expect(out).toContain('✓ good (webhook) took it');
  expect(out).toContain('× bad (slack) did not take it: http-400');
  expect(JSON.parse(hook.received[0]?.body.toString() ?? '')).toMatchObject({ rule: 'auditail-test' });
  expect(await auditail(['alerts', 'send-test', '--config', config, '--receiver', 'good'])).toMatchObject({ exit: 0 });
});

test('check says what is wrong with rules and receivers, with their places', async () => {
  const { file, directory } = written();
  const rules = file('bad-rules.yaml', RULES.replace('user.username ==', 'user.nam =='));
  const config = file(
    'auditail.yaml',
    `sources: [{ name: kube, type: file, path: ${directory}/audit.log }]
outputs: [{ name: out, type: stdout }]
alerts:
  rules: [${rules}]
  overrides: { nevr: { enabled: false } }
  receivers:
    - { name: a, type: output, output: outt }
    - { name: a, type: slack, url: { env: NOT_THERE } }
`,
  );
  const { error, exit } = await auditail(['check', '--config', config]);
  expect(exit).toBe(2);
  expect(error.replaceAll(directory, '')).toMatchInlineSnapshot(`
    "/auditail.yaml:7:40   alerts.receivers[0].output  no output is called "outt"; did you mean "out"?
    /auditail.yaml:8:15   alerts.receivers[1].name    receivers[0] is called that already
    /auditail.yaml:8:36   alerts.receivers[1].url     the environment variable NOT_THERE is not set
    /bad-rules.yaml:6:11  rules[0].when               no such field: user.nam
                                                     > user.nam == "eve"
                                                            ^
    4 problems. Nothing was started.
    "
  `);
});

test('list asks the agent that runs', async () => {
  const { directory } = written();
  const { exit, error } = await auditail(['alerts', 'list', '--state-dir', directory]);
  expect(exit).toBe(2);
  expect(error).toContain('no agent runs on');
});
