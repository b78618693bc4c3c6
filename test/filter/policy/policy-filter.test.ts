import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../../src/filter/policy/parse-policy.ts';
import { createPolicyFilter, type PolicyFilter } from '../../../src/filter/policy/policy-filter.ts';
import { eventOf } from '../../event/event-of.ts';
import { REPOSITORY } from '../../support/source-files.ts';
import { decisionOf } from './oracle.ts';
import { FIXTURE, type RecordedDecisions } from './recorded-decisions.ts';

function filterOf(text: string): PolicyFilter {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.findings.map(({ message }) => message).join('\n'));
  return createPolicyFilter(parsed.policy);
}

function textOf(rules: readonly object[], more: object = {}): string {
  return JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules, ...more });
}

function lineOf(fields: object): string {
  const base = { level: 'RequestResponse', stage: 'ResponseComplete', requestURI: '/api/v1/namespaces/a/pods/x' };
  return JSON.stringify({
    ...base,
    verb: 'get',
    user: { username: 'u' },
    stageTimestamp: '2026-01-01T00:00:00Z',
    ...fields,
  });
}

const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8')) as RecordedDecisions;
const events = recorded.events.map((line) => eventOf(line));

describe("decides as the API server's own evaluator did", () => {
  test.each(recorded.policies.map((entry, at) => ({ ...entry, at })))('under policy $at', ({ policy, decisions }) => {
    const filter = filterOf(policy);
    expect(events.map((event) => decisionOf(filter, event))).toEqual(decisions.split(' '));
  });
});

test('more rules than fit in one word are told apart', () => {
  const rules = Array.from({ length: 100 }, (_, at) => ({
    level: 'Metadata',
    resources: [{ group: '', resources: ['pods'], resourceNames: [`p${at}`] }],
  }));
  const filter = filterOf(textOf([...rules, { level: 'None' }]));
  const decided = [0, 31, 32, 63, 64, 99, 100].map((at) => {
    return filter.decide(eventOf(lineOf({ requestURI: `/api/v1/namespaces/a/pods/p${at}` }))).rule;
  });
  expect(decided).toEqual([0, 31, 32, 63, 64, 99, 100]);
});

test('a verdict names the rule that dropped the event, and why', () => {
  const rules = [
    { level: 'None', verbs: ['list'] },
    { level: 'RequestResponse', verbs: ['get'], omitStages: ['Panic'] },
    { level: 'Request', verbs: ['create'] },
  ];
  const filter = filterOf(textOf(rules, { omitStages: ['RequestReceived'] }));
  const verdicts = [{ verb: 'list' }, { stage: 'Panic' }, { stage: 'RequestReceived' }, { verb: 'patch' }, {}].map(
    (fields) => {
      const verdict = filter.judge(eventOf(lineOf(fields)));
      return verdict.type === 'drop' ? filter.rules[verdict.rule] : verdict.type;
    },
  );
  expect(verdicts).toEqual(['policy[0]', 'policy[1].omitStages', 'policy[1].omitStages', 'policy[none]', 'pass']);
});

test('the hash changes with what is decided, and with nothing else', () => {
  const one = textOf([{ level: 'None', verbs: ['get', 'list'] }]);
  const { hash } = filterOf(one);
  expect(filterOf(textOf([{ level: 'None', verbs: ['list', 'get', 'get'], users: [] }])).hash).toBe(hash);
  expect(filterOf(`# words\napiVersion: audit.k8s.io/v1\nrules: [{level: None, verbs: [get, list]}]`).hash).toBe(hash);
  expect(filterOf(textOf([{ level: 'Metadata', verbs: ['get', 'list'] }])).hash).not.toBe(hash);
  expect(filterOf(textOf([{ level: 'None', verbs: ['get'] }])).hash).not.toBe(hash);
  const stages = textOf([{ level: 'None', verbs: ['get', 'list'] }], { omitStages: ['Panic'] });
  expect(filterOf(stages).hash).not.toBe(hash);
});

test.each(readdirSync(join(REPOSITORY, 'config/policies')))(
  'config/policies/%s can be read and gives no findings',
  (name) => {
    const parsed = parsePolicy(readFileSync(join(REPOSITORY, 'config/policies', name), 'utf8'));
    expect(parsed.findings).toEqual([]);
    expect(parsed.ok).toBe(true);
  },
);
