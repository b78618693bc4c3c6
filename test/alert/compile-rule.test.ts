import { expect, test } from 'vitest';
import { compileRule, wildcards } from '../../src/alert/compile-rule.ts';
import { networkOf, networks } from '../../src/alert/network.ts';
import { parseTemplate, render, slackText } from '../../src/alert/template.ts';
import { bounded, readerOf } from '../../src/alert/value.ts';
import { alertRuleSchema } from '../../src/config/alert-rule-schema.ts';
import { EventView } from '../../src/event/event-view.ts';
import { compileConjuncts } from '../../src/filter/expression.ts';

function problems(written: Readonly<Record<string, unknown>>): unknown {
  const config = alertRuleSchema.parse({ severity: 'low', description: 'd', summary: 's', name: 'r', ...written });
  return compileRule(config, compileConjuncts);
}

test('what is wrong with a rule is said with its place', () => {
  const found = problems({
    when: 'verbb == "get"',
    groupBy: ['user.name'],
    threshold: { count: 1, window: '1s' },
    each: {},
    except: { networks: ['10.0.0.0/33'], when: 'user' },
    summary: '{{user.username}} {{nothing}} {{open',
  });
  expect(found).toMatchObject([
    { path: ['threshold'], message: 'a rule is of one kind: it has each and threshold' },
    { path: ['when'], message: 'no such field: verbb', pointer: { offset: 0 } },
    { path: ['except', 'networks'] },
    { path: ['except', 'when'] },
    { path: ['groupBy', 0], message: 'there is no field "user.name"' },
    { path: ['summary'], pointer: { offset: 30 } },
  ]);
});

test('a star stands for any text, and nothing else is special', () => {
  const matches = wildcards(['exact', 'system:*', '*-admin', 'a*b*c']);
  const said = ['exact', 'exacts', 'system:', 'system:x', 'xsystem:', 'my-admin', 'abc', 'a1b2c', 'ac', 'a.c'];
  expect(said.filter(matches)).toEqual(['exact', 'system:', 'system:x', 'my-admin', 'abc', 'a1b2c']);
  // The beginning and the end of a pattern do not share characters.
  expect(wildcards(['aba*aba'])('aba')).toBe(false);
});

test.each([
  ['10.1.2.3', '10.1.2.0/24'],
  ['::ffff:10.1.2.3', '10.1.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['nonsense', 'nonsense'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('networks hold addresses of both families', () => {
  const inside = networks(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']);
  expect(['10.9.8.7', '11.0.0.1', '2001:db8::5', '2001:db9::5', '192.0.2.1', 'x'].map((one) => inside?.(one))).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  expect(networks(['10.0.0.0/x'])).toBeNull();
});

test('values are read from fields, lists, annotations, extra and bodies', () => {
  const view = new EventView();
  const text = JSON.stringify({
    auditID: 'x',
    user: { username: 'eve', groups: ['a', 'b'], extra: { 'k/x': ['1', '2'] } },
    impersonatedUser: { username: 'root' },
    annotations: { 'a.b/c': 'yes' },
    requestURI: '/api?token=1',
    objectRef: { resource: 'pods', subresource: 'exec' },
    requestObject: { roleRef: { name: 'cluster-admin' }, spec: { ports: [1, 2] } },
    stageTimestamp: '2026-11-23T10:00:00Z',
  });
  view.read(Buffer.from(text), 0, Buffer.byteLength(text));
  const read = (name: string) => readerOf(name)?.(view);
  expect(read('actor')).toBe('eve as root');
  expect(read('user.groups')).toBe('a, b');
  expect(read('user.extra["k/x"]')).toBe('1, 2');
  expect(read('annotations["a.b/c"]')).toBe('yes');
  expect(read('requestPath')).toBe('/api');
  expect(read('resource')).toBe('pods/exec');
  expect(read('requestObject.roleRef.name')).toBe('cluster-admin');
  expect(read('requestObject.spec.ports')).toBe('1, 2');
  expect(read('requestObject.__proto__.x')).toBe('');
  expect(['user', 'constructor', 'requestObject', 'requestObject.', 'toString'].map(readerOf)).toEqual(
    Array.from({ length: 5 }, () => null),
  );
});

test('long texts are cut and stay different', () => {
  const [a, b] = [bounded(`${'x'.repeat(300)}a`), bounded(`${'x'.repeat(300)}b`)];
  expect(a).not.toBe(b);
  expect(a.length).toBeLessThanOrEqual(160);
});

test('what is filled in cannot act in Slack: no mentions, no links, no formatting', () => {
  const hostile = '<!channel> <https://evil|click> @here *bold* `code` https://evil &amp;';
  const parsed = parseTemplate('by {{ user.username }}!');
  if ('problem' in parsed) throw new Error(parsed.problem);
  const text = render([{ text: '*rule* ' }, { value: hostile }], slackText);
  expect(text).toMatch(/^\*rule\* &lt;/);
  expect(text.slice(7)).not.toMatch(/[<>]|(?<!\u2060)[*`@|]|https:\/\/|&(?!amp;|lt;|gt;)/);
});
