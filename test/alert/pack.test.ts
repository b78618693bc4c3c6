import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compileRule } from '../../src/alert/compile-rule.ts';
import type { Rule } from '../../src/alert/rule.ts';
import { EventWalk } from '../../src/inspect/event-walk.ts';
import { AlertReplay } from '../../src/inspect/alert-replay.ts';
import { openAlertRules } from '../../src/inspect/alert-rules.ts';
import { RecordedLog } from '../../src/inspect/recorded-log.ts';
import { compileConjuncts } from '../../src/filter/expression.ts';
import { OTHER_WAYS, TECHNIQUES } from '../support/attack-session.ts';
import { shared } from '../support/shared.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { line } from './rules.ts';

const PACK = openAlertRules({ rules: [join(REPOSITORY, 'config/alerts')], overrides: {} });
/** What a real API server wrote of the attacks and near misses of `TECHNIQUES`; the user agent says which. */
const SESSION = ['session', 'other-ways'].flatMap((name) =>
  gunzipSync(readFileSync(join(REPOSITORY, `test/fixtures/alerts/${name}.log.gz`)))
    .toString()
    .split('\n'),
);

function recorded(agent: string): readonly string[] {
  return SESSION.filter((one) => one.includes(`"userAgent":"${agent}"`));
}

interface Answered {
  readonly verb: string;
  readonly responseStatus?: { readonly code: number };
}

/** Verbs and answers of what was recorded of a way. */
function answersOf(way: string): ReadonlySet<string> {
  const events = SESSION.filter((one) => one.includes(`/${way}"`)).map((one) => JSON.parse(one) as Answered);
  return new Set(events.flatMap(({ verb, responseStatus: of }) => (of === undefined ? [] : [`${verb} ${of.code}`])));
}

function ruleOf(name: string): Rule {
  const rule = PACK.rules.find((one) => one.name === name);
  if (rule === undefined) throw new Error(`the pack has no rule ${name}`);
  const { firstSeen } = rule.config;
  if (firstSeen === undefined) return rule;
  // What it learns in a week, it learns in a moment here.
  const config = { ...rule.config, firstSeen: { ...firstSeen, learn: 1 } };
  return compileRule(config, compileConjuncts) as Rule;
}

function alerts(rule: string, lines: readonly string[]): readonly string[] {
  const run = new AlertReplay([ruleOf(rule)], { groups: 1000, values: 1000, toleranceMs: 30_000 });
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  new EventWalk().walk({ type: 'lines', name: 'test', bytes, start: 0, end: bytes.length }, (event, where) =>
    run.see(event, where),
  );
  expect(run.failures).toBe(0);
  return run.told.filter(({ notification }) => notification.status === 'firing').map(({ summary }) => summary);
}

test('the pack is sound', () => {
  expect(PACK.problems).toEqual([]);
  expect(PACK.rules.length).toBeGreaterThan(35);
});

test('every rule says what it means, what to do, what else looks like it, and the technique', () => {
  for (const { name, config } of PACK.rules) {
    expect(config, name).toMatchObject({ action: expect.any(String), falsePositives: expect.any(String) });
    expect(config.techniques.length, name).toBeGreaterThan(0);
  }
});

test('every rule has a page', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/alert-rules.md'), 'utf8');
  for (const { name } of PACK.rules) expect(page).toContain(`\n### ${name}\n`);
});

test('the overrides that the documentation shows are of rules that there are', () => {
  const [, yaml = ''] =
    /```yaml\n(alerts:[^`]*)```/.exec(readFileSync(join(REPOSITORY, 'docs/alerts.md'), 'utf8')) ?? [];
  const { overrides } = (parse(yaml) as { alerts: { overrides: Record<string, unknown> } }).alerts;
  const names = PACK.rules.map(({ name }) => name);
  expect(Object.keys(overrides)).not.toEqual([]);
  expect(names).toEqual(expect.arrayContaining(Object.keys(overrides)));
});

/** Rules about time itself, which no session of a minute shows, and what is tried below. */
const ELSEWHERE = ['clock-jump', 'trail-silent', 'new-user-agent'];

test('every rule is tried', () => {
  const tried = [...TECHNIQUES.map(({ rule }) => rule), ...ELSEWHERE];
  expect(PACK.rules.map(({ name }) => name).toSorted()).toEqual(tried.toSorted());
});

describe.each(TECHNIQUES.map(({ rule }) => rule))('%s', (rule) => {
  test('tells of what a real API server wrote of an attack, once', () => {
    expect(alerts(rule, recorded(`attack/${rule}`))).toHaveLength(1);
  });

  test('is quiet on near misses', () => {
    const near = recorded(`near/${rule}`);
    expect(near.length).toBeGreaterThan(0);
    expect(alerts(rule, near)).toEqual([]);
  });
});

test('new-user-agent tells of another program of the same account, and not of the same one', () => {
  const [first = '', second = ''] = recorded('near/secret-read-by-person').filter((one) =>
    one.includes('"username":"admin"'),
  );
  expect(alerts('new-user-agent', [first, second])).toEqual([]);
  const later = recorded('attack/mass-deletion').at(-1) as string;
  expect(alerts('new-user-agent', [first, later])).toHaveLength(1);
});

test('clock-jump and trail-silent tell of a hole in the trail, and not of a pause', () => {
  expect(alerts('clock-jump', [line(0), line(1000)])).toHaveLength(1);
  expect(alerts('clock-jump', [line(0), line(800)])).toEqual([]);
  expect(alerts('trail-silent', [line(0), line(700)])).toHaveLength(1);
  expect(alerts('trail-silent', [line(0), line(500)])).toEqual([]);
});

describe('attempts to hide a privileged pod', () => {
  const attack = JSON.parse(recorded('attack/privileged-pod').at(-1) ?? '') as { requestObject: { spec: object } };
  const hidden = (spec: object) =>
    JSON.stringify({ ...attack, requestObject: { spec: { ...attack.requestObject.spec, ...spec } } });
  const bad = [{ name: 'x', securityContext: { privileged: true } }];
  const good = [{ name: 'y' }];

  test.each([
    ['in an init container', { containers: good, initContainers: bad }],
    ['behind lists that are null', { containers: bad, initContainers: null }],
    ['behind a container without a context', { containers: [{ name: 'n', securityContext: null }, ...bad] }],
    ['behind a context that is no object', { containers: [{ name: 'n', securityContext: 3 }, ...bad] }],
  ])('%s fail', (_, spec) => {
    expect(alerts('privileged-pod', [hidden(spec)])).toHaveLength(1);
  });

  test('by escapes in the bytes fail', () => {
    const escaped = hidden({ containers: bad }).replace('"privileged":', '"\\u0070rivileged":');
    expect(alerts('privileged-pod', [escaped])).toHaveLength(1);
  });
});

describe('another way to write the same', () => {
  interface Recorded {
    readonly requestObject: { readonly spec: object };
  }
  const attack = (rule: string) => JSON.parse(recorded(`attack/${rule}`).at(-1) ?? '') as Recorded;

  test.each(OTHER_WAYS.map(({ rule, way }) => [rule, way]))('does not hide %s: %s', (rule, way) => {
    expect(alerts(rule, recorded(`attack/${rule}/${way}`))).toHaveLength(1);
    const near = recorded(`near/${rule}/${way}`);
    expect(near.length).toBeGreaterThan(0);
    expect(alerts(rule, near)).toEqual([]);
  });

  test('is recorded from a real API server: lists, watches, whole collections and server-side apply are what it says', () => {
    expect(answersOf('list')).toEqual(new Set(['list 200']));
    expect(answersOf('watch')).toEqual(new Set(['watch 200']));
    expect(answersOf('collection')).toEqual(new Set(['deletecollection 200', 'deletecollection 403']));
    expect(answersOf('apply')).toEqual(new Set(['patch 201', 'patch 200', 'patch 403']));
  });

  const withSpec = (rule: string, spec: object) => {
    const event = attack(rule);
    return JSON.stringify({ ...event, requestObject: { spec: { ...event.requestObject.spec, ...spec } } });
  };

  test.each([
    ['SYS_ADMIN', 1],
    ['sys_admin', 1],
    ['CAP_SYS_ADMIN', 1],
    ['all', 1],
    ['NET_BIND_SERVICE', 0],
    ['SYS_ADMINISTRATOR', 0],
  ])('the capability %s counts %i times: runtimes take it in capitals', (capability, count) => {
    const containers = [{ name: 'x', securityContext: { capabilities: { add: [capability] } } }];
    expect(alerts('privileged-pod', [withSpec('privileged-pod', { containers })])).toHaveLength(count);
  });

  test.each([
    ['/etc', 1],
    ['/./etc/kubernetes', 1],
    ['//etc', 1],
    ['/.', 1],
    ['/var', 1],
    ['/var//lib', 1],
    ['/var/./lib/kubelet/pods', 1],
    ['/var//run/containerd', 1],
    ['/var/log/app', 0],
    ['/var/lib/app', 0],
    ['/var/library', 0],
    ['/variant', 0],
    ['/.hidden', 0],
    ['/etcetera', 0],
    ['/srv/etc', 0],
  ])('the path %s counts %i times', (path, count) => {
    const volumes = [{ name: 'v', hostPath: { path } }];
    expect(alerts('sensitive-host-path', [withSpec('sensitive-host-path', { volumes })])).toHaveLength(count);
  });
});

const CORPUS = shared('corpus/sample.log');

test.skipIf(CORPUS === undefined)('on a few hundred events of every kind nothing fails', async () => {
  const run = new AlertReplay(PACK.rules, { groups: 1000, values: 1000, toleranceMs: 30_000 });
  const log = new RecordedLog({ files: [CORPUS as string], stdin: () => process.stdin, maxLineBytes: 2 ** 26 });
  const walk = new EventWalk();
  for await (const block of log.blocks()) walk.walk(block, (event, where) => run.see(event, where));
  expect(walk.events).toBeGreaterThan(200);
  expect(run.failures).toBe(0);
});
