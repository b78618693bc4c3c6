import { expect, test } from 'vitest';
import { createThrottle, type ThrottleRule } from '../../../src/filter/throttle/throttle.ts';
import { eventOf } from '../../event/event-of.ts';

const START = Date.parse('2026-11-23T05:00:00Z');

function hashOf(...rules: readonly ThrottleRule[]): string {
  return createThrottle(rules).hash;
}

function event(seconds: number, username = 'alice', verb = 'get') {
  return eventOf({ verb, user: { username }, stageTimestamp: new Date(START + seconds * 1000).toISOString() });
}

function rule(more: Partial<ThrottleRule> = {}): ThrottleRule {
  return { name: 'per-user', key: ['user.username'], qps: 1, burst: 3, ...more };
}

test('a burst passes, then as many as the rate allows, by the time of the events', () => {
  const { check, rules } = createThrottle([rule()]);
  const kept = [0, 0, 0, 0, 0.5, 1, 1.5, 3.2, 3.2, 3.2].filter((seconds) => check(event(seconds)) === 0);
  expect(kept).toEqual([0, 0.5, 1.5, 3.2]);
  expect(rules).toEqual(['per-user']);
});

test('each key has its own tokens, and without a key all events share them', () => {
  const perUser = createThrottle([rule({ burst: 1 })]);
  expect(['alice', 'bob', 'alice', 'bob'].map((name) => perUser.check(event(0, name)))).toEqual([-1, -1, 0, 0]);
  const together = createThrottle([rule({ burst: 1, key: [] })]);
  expect(['alice', 'bob'].map((name) => together.check(event(0, name)))).toEqual([-1, 0]);
});

test('fields of a key are not taken for one another', () => {
  const { check } = createThrottle([rule({ burst: 1, key: ['verb', 'user.username'] })]);
  expect(check(event(0, 'b', 'a'))).toBe(-1);
  expect(check(event(0, 'a', 'b'))).toBe(-1);
  expect(check(event(0, '', 'ab'))).toBe(-1);
  expect(check(event(0, 'x'.repeat(1000), 'a'))).toBe(-1);
  expect(check(event(0, `${'x'.repeat(1000)}y`, 'a'))).toBe(-1);
  expect(check(event(0, 'x'.repeat(1000), 'a'))).toBe(0);
});

test('only what a rule is for takes its tokens; the first rule that has none left names the event', () => {
  const reads = { text: 'verb == "get"', holds: (one: { text(slot: number): string }) => one.text(4) === 'get' };
  const { check, rules } = createThrottle([
    rule({ name: 'reads', when: reads, burst: 1 }),
    rule({ name: 'all', burst: 2 }),
  ]);
  expect(check(event(0, 'alice', 'update'))).toBe(-1);
  expect(check(event(0))).toBe(-1);
  expect(rules[check(event(0))]).toBe('reads');
  expect(rules[check(event(0, 'alice', 'update'))]).toBe('all');
});

test('an event on which the condition fails is let through and counted', () => {
  const fails = {
    text: 'requestObject.x > 1',
    holds: () => {
      throw new Error('no such key: x');
    },
  };
  const { check, failures } = createThrottle([rule({ when: fails, burst: 1 })]);
  expect([check(event(0)), check(event(0))]).toEqual([-1, -1]);
  expect(failures()).toBe(2);
});

test('the hash changes with the rules, not with their names', () => {
  expect(hashOf()).toBe('none');
  expect(hashOf(rule({ name: 'x' }))).toBe(hashOf(rule({ name: 'y' })));
  expect(
    new Set([hashOf(rule()), hashOf(rule({ qps: 2 })), hashOf(rule({ burst: 2 })), hashOf(rule({ key: [] }))]).size,
  ).toBe(4);
});
