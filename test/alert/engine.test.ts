import { expect, test } from 'vitest';
import { recordsOf, restore } from '../../src/alert/snapshot.ts';
import { statusOf } from '../../src/alert/stage-status.ts';
import { Bench, line, rule } from './rules.ts';

test('a rule without a kind tells of a match, once for each group until it is to be repeated', () => {
  const bench = new Bench([
    rule({ when: 'user.username == "eve"', verbs: ['get'], summary: '{{user.username}} read {{objectRef.name}}' }),
  ]);
  expect(bench.see(line(0, { user: 'eve' }))).toEqual(['firing r: eve read db']);
  expect(bench.see(line(1, { user: 'alice' }))).toEqual([]);
  expect(bench.see(line(2, { user: 'eve', name: 'other' }))).toEqual([]);
  expect(bench.see(line(3600, { user: 'eve', name: 'third' }))).toEqual(['firing r: eve read third']);
  expect(bench.told.map(({ count }) => count)).toEqual([1, 1]);
  expect(new Set(bench.told.map(({ id }) => id)).size).toBe(2);
  expect(new Set(bench.told.map(({ fingerprint }) => fingerprint)).size).toBe(1);
});

test('the stages of one request count once, and two requests of one Audit-ID count as two', () => {
  const bench = new Bench([
    rule({
      stages: ['ResponseStarted', 'ResponseComplete'],
      threshold: { count: 2, window: '1m' },
      summary: '{{count}}',
    }),
  ]);
  const received = '2026-11-23T10:00:00.000001Z';
  expect(bench.see(line(0, { auditID: 'a', stage: 'ResponseStarted', received }))).toEqual([]);
  expect(bench.see(line(1, { auditID: 'a', stage: 'ResponseComplete', received }))).toEqual([]);
  expect(bench.see(line(2, { auditID: 'a', stage: 'ResponseComplete' }))).toEqual(['firing r: 2']);
});

test('a threshold fires with the match that makes it full, by the time of the events', () => {
  const bench = new Bench([rule({ threshold: { count: 3, window: '10s' }, summary: '{{count}} in {{window}}' })]);
  expect(bench.see(line(0))).toEqual([]);
  expect(bench.see(line(9))).toEqual([]);
  expect(bench.see(line(11))).toEqual([]);
  expect(bench.see(line(15, { user: 'bob' }))).toEqual([]);
  // Written late, but made within the window.
  expect(bench.see(line(10))).toEqual(['firing r: 3 in 10 s']);
  expect(bench.see(line(12))).toEqual([]);
  expect(bench.tick(71)).toEqual([]);
  expect(bench.tick(72)).toEqual(['resolved r: 4 in 10 s']);
  expect(bench.tick(1000)).toEqual([]);
});

test('a threshold is not blind after the clock was set back', () => {
  const bench = new Bench([rule({ threshold: { count: 3, window: '10s' } })]);
  for (let at = 100_000; at < 100_020; at += 7) bench.see(line(at));
  expect(bench.see(line(0))).toEqual([]);
  expect(bench.see(line(1))).toEqual([]);
  expect(bench.see(line(2))).toEqual(['firing r: s']);
});

test('distinct values are counted, not matches', () => {
  const bench = new Bench([
    rule({ threshold: { count: 3, distinct: 'objectRef.name', window: '10s' }, summary: '{{distinct}}: {{values}}' }),
  ]);
  for (let at = 0; at < 8; at += 1) expect(bench.see(line(at, { name: at % 2 === 0 ? 'a' : 'b' }))).toEqual([]);
  expect(bench.see(line(9, { name: 'c' }))).toEqual(['firing r: 3: a, b, c']);
  expect(bench.see(line(9.5, { name: 'd' }))).toEqual([]);
  expect(bench.see(line(100, { name: 'e', user: 'bob' }))).toEqual([]);
  expect(bench.see(line(101, { name: 'f', user: 'bob' }))).toEqual([]);
});

test('what is new is told after the learning time, once for each value', () => {
  const bench = new Bench([
    rule({ firstSeen: { of: ['userAgent', 'sourceNetwork'], learn: '1m' }, summary: '{{userAgent}} ({{values}})' }),
  ]);
  expect(bench.see(line(0, { userAgent: 'kubectl' }))).toEqual([]);
  expect(bench.see(line(59, { userAgent: 'helm' }))).toEqual([]);
  expect(bench.see(line(61, { userAgent: 'kubectl' }))).toEqual([]);
  expect(bench.see(line(62, { userAgent: 'curl' }))).toEqual(['firing r: curl (curl | 10.1.2.0/24)']);
  expect(bench.see(line(63, { userAgent: 'curl' }))).toEqual([]);
  expect(bench.see(line(64, { sourceIPs: ['192.0.2.9'] }))).toEqual(['firing r: kubectl (kubectl | 192.0.2.0/24)']);
  // Somebody new has a learning time of their own.
  expect(bench.see(line(65, { user: 'bob', userAgent: 'curl' }))).toEqual([]);
});

test('with learnNew off, everything of a group that appears later is told', () => {
  const bench = new Bench([rule({ firstSeen: { of: ['verb'], learn: '1m', learnNew: false } })]);
  expect(bench.see(line(0))).toEqual([]);
  expect(bench.see(line(61, { user: 'bob' }))).toEqual(['firing r: s']);
});

test('a claimed address does not hide that the network is new', () => {
  const bench = new Bench([
    rule({ firstSeen: { of: ['sourceNetwork'], learn: '0s' }, groupBy: [], summary: '{{values}}' }),
  ]);
  bench.see(line(0, { sourceIPs: ['10.1.2.3'] }));
  expect(bench.see(line(1, { sourceIPs: ['10.1.2.3', '203.0.113.5'] }))).toEqual([
    'firing r: 10.1.2.0/24, 203.0.113.0/24',
  ]);
});

test('silence is told when the clock says so, and when the trail shows a hole', () => {
  const bench = new Bench([
    rule({ when: 'user.username == "node"', silence: { for: '1m' }, summary: 'silent {{values}}' }),
  ]);
  bench.see(line(0, { user: 'node' }));
  expect(bench.see(line(59, { user: 'alice' }))).toEqual([]);
  expect(bench.tick(61, ['r'])).toEqual(['firing r: silent since 2026-11-23T10:00:01.000Z']);
  expect(bench.tick(61, ['r'])).toEqual([]);
  expect(bench.see(line(90, { user: 'node' }))).toEqual(['resolved r: silent since 2026-11-23T10:00:01.000Z']);
  expect(bench.see(line(120, { user: 'node' }))).toEqual([]);
  expect(bench.see(line(200, { user: 'node' }))).toEqual([
    'firing r: silent 2026-11-23T10:02:00.000Z to 2026-11-23T10:03:20.000Z',
    'resolved r: silent 2026-11-23T10:02:00.000Z to 2026-11-23T10:03:20.000Z',
  ]);
});

test('one Audit-ID for two requests is told, its stages are not', () => {
  const bench = new Bench([
    rule({
      repeatedId: { of: 'auditID', by: ['requestReceivedTimestamp', 'user.username'] },
      stages: ['ResponseStarted', 'ResponseComplete'],
    }),
  ]);
  const received = '2026-11-23T10:00:00.000001Z';
  expect(bench.see(line(0, { auditID: 'x', stage: 'ResponseStarted', received }))).toEqual([]);
  expect(bench.see(line(1, { auditID: 'x', received }))).toEqual([]);
  expect(bench.see(line(2, { auditID: 'y' }))).toEqual([]);
  expect(bench.see(line(3, { auditID: 'x', name: 'hidden' }))).toEqual(['firing r: s']);
});

test('jumps of the clock are told, in both directions, and small disorder is not', () => {
  const bench = new Bench([rule({ clockJump: { forward: '10m', back: '30s' }, summary: '{{values}}' })]);
  bench.see(line(0));
  expect(bench.see(line(10))).toEqual([]);
  expect(bench.see(line(9))).toEqual([]);
  expect(bench.see(line(800))).toEqual(['firing r: 2026-11-23T10:00:09.000Z to 2026-11-23T10:13:20.000Z']);
  expect(bench.see(line(700))).toEqual([]);
  expect(bench.see(line(701))).toEqual([]);
  const later = new Bench([rule({ clockJump: { forward: '10m', back: '30s' }, summary: '{{values}}' })]);
  later.see(line(800));
  expect(later.see(line(700))).toEqual(['firing r: 2026-11-23T10:13:20.000Z to 2026-11-23T10:11:40.000Z']);
});

test('exceptions leave out users, groups, namespaces, agents and networks', () => {
  const bench = new Bench([
    rule({
      groupBy: ['objectRef.name'],
      except: {
        users: ['system:*', 'root'],
        groups: ['ops'],
        namespaces: ['kube-*'],
        userAgents: ['kubelet*'],
        networks: ['192.0.2.0/24'],
        when: 'objectRef.name == "cm"',
      },
    }),
  ]);
  expect(bench.see(line(1, { name: 'a', user: 'system:node:x' }))).toEqual([]);
  expect(bench.see(line(2, { name: 'a', user: 'root' }))).toEqual([]);
  expect(bench.see(line(3, { name: 'a', groups: ['dev', 'ops'] }))).toEqual([]);
  expect(bench.see(line(4, { name: 'a', namespace: 'kube-system' }))).toEqual([]);
  expect(bench.see(line(5, { name: 'a', userAgent: 'kubelet/v1' }))).toEqual([]);
  expect(bench.see(line(6, { name: 'a', sourceIPs: ['192.0.2.7'] }))).toEqual([]);
  expect(bench.see(line(7, { name: 'cm' }))).toEqual([]);
  // Claiming an address of the network does not help.
  expect(bench.see(line(8, { name: 'a', sourceIPs: ['192.0.2.7', '203.0.113.1'] }))).toEqual(['firing r: s']);
});

test('an event that is read again counts once, in the same place or in a copy of the file', () => {
  const bench = new Bench([rule({ threshold: { count: 2, window: '1m' } })]);
  bench.see(line(0));
  const [input] = bench.inputs;
  expect(bench.apply(input as never)).toEqual([]);
  expect(bench.see(line(0))).toEqual([]);
  expect(bench.see(line(0, { received: '2026-11-23T09:59:59.000001Z' }))).toEqual(['firing r: s']);
});

test('memory stays bounded, and what was forgotten is counted', () => {
  const bench = new Bench([rule({ threshold: { count: 2, window: '1h' } })], { maxGroups: 10 });
  for (let at = 0; at < 1000; at += 1) bench.see(line(at, { user: `u${at}` }));
  const state = bench.engine.states.get('r');
  expect(state?.times.size).toBe(10);
  expect(state?.evicted).toBe(990);
});

test('an expression that fails on an event does not match it, and is counted', () => {
  const bench = new Bench([rule({ when: 'requestObject.spec.replicas > 3' })]);
  expect(bench.see(line(0))).toEqual([]);
  expect(bench.matcher.failures).toBe(1);
});

test('what an event says cannot bring control characters or endless text into an alert', () => {
  const bench = new Bench([rule({ summary: 'user {{user.username}}' })]);
  const [told] = bench.see(line(0, { user: `a\u001b[2J\n\u202e${'x'.repeat(5000)}` }));
  expect(told).toMatch(/^firing r: user a\\x1b\[2J\\x0a\\u202ex+…$/);
  expect(told?.length).toBeLessThan(560);
});

test('the same inputs make the same notifications in another engine', () => {
  const rules = [
    rule({ threshold: { count: 2, window: '10s' } }),
    rule({ name: 'q', firstSeen: { of: ['verb'], learn: '0s' } }),
  ];
  const bench = new Bench(rules);
  for (let at = 0; at < 40; at += 3) bench.see(line(at, { verb: `v${at % 5}` }));
  bench.tick(200);
  const again = new Bench(rules);
  for (const input of bench.inputs) again.apply(input);
  expect(again.told).toEqual(bench.told);
  expect(bench.told.length).toBeGreaterThan(3);
});

test('an alert that is over says when it was, also after a restart; of a hundred thousand that go on, their number is told', () => {
  const rules = [rule({ resolve: '1m' }), rule({ name: 'quiet', when: 'verb == "never"' })];
  const bench = new Bench(rules, { maxGroups: 200_000 });
  bench.see(line(0));
  bench.see(line(7));
  expect(statusOf(bench.engine, rules).rules[0]).toMatchObject({ firing: 1 });
  bench.tick(100);
  const over = [
    { firing: 0, lastAt: '2026-11-23T10:00:07.000Z' },
    { firing: 0, lastAt: '' },
  ];
  expect(statusOf(bench.engine, rules).rules).toMatchObject(over);
  const next = new Bench(rules);
  for (const record of recordsOf(bench.engine)) restore(next.engine, JSON.parse(JSON.stringify(record)));
  expect(statusOf(next.engine, rules).rules).toMatchObject(over);

  for (let at = 0; at < 150_000; at += 1) bench.engine.states.get('r')?.alerts.set(`${at}`, {} as never);
  expect(statusOf(bench.engine, rules).rules[0]).toMatchObject({ firing: 150_000 });
});
