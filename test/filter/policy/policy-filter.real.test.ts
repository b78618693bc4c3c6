import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../../src/filter/policy/parse-policy.ts';
import { createPolicyFilter } from '../../../src/filter/policy/policy-filter.ts';
import { eventOf } from '../../event/event-of.ts';
import { shared } from '../../support/shared.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { askOracle, decisionOf, findOracle, generatePolicies } from './oracle.ts';
import { FIXTURE, type RecordedDecisions } from './recorded-decisions.ts';

const oracle = findOracle() ?? '';
const corpus = shared('corpus/sample.log');

/** Changes with `AUDITAIL_SEED`; each seed is 500 other policies. */
const SEED = Number(process.env['AUDITAIL_SEED'] ?? '1');

describe.skipIf(oracle === '')("beside the API server's own evaluator (skipped where that cannot be built)", () => {
  test.skipIf(corpus === undefined)('500 random policies decide alike on every event of the corpus', () => {
    const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8')) as RecordedDecisions;
    const lines = [
      ...readFileSync(corpus as string, 'utf8')
        .trimEnd()
        .split('\n'),
      ...recorded.events,
    ];
    const events = lines.map(eventOf);
    const folder = temporaryDirectory();
    const text = `${lines.join('\n')}\n`;
    const policies = generatePolicies(oracle, 500, SEED, text, folder);
    expect(policies).toHaveLength(500);
    for (const [at, policy] of policies.entries()) {
      const parsed = parsePolicy(policy);
      if (!parsed.ok) throw new Error(`policy ${at} of seed ${SEED}: ${parsed.findings[0]?.message}`);
      const filter = createPolicyFilter(parsed.policy);
      const decisions = events.map((event) => decisionOf(filter, event));
      expect(decisions, `policy ${at} of seed ${SEED}`).toEqual(askOracle(oracle, policy, text, folder));
    }
  });

  test('the recorded decisions are still what it decides', () => {
    const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8')) as RecordedDecisions;
    const folder = temporaryDirectory();
    const text = `${recorded.events.join('\n')}\n`;
    const policies = recorded.policies.map(({ policy }) => ({
      policy,
      decisions: askOracle(oracle, policy, text, folder).join(' '),
    }));
    if (process.env['AUDITAIL_RECORD'] !== undefined) {
      writeFileSync(FIXTURE, `${JSON.stringify({ events: recorded.events, policies }, null, 1)}\n`);
    } else expect(policies).toEqual(recorded.policies);
  });
});
