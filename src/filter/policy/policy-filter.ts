import { createHash } from 'node:crypto';
import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Filter, Verdict } from '../filter.ts';
import { ByteTable } from './byte-table.ts';
import { downgrade } from './downgrade.ts';
import { PolicyEvaluator } from './evaluate.ts';
import { type Level, type Policy, STAGES, type Stage } from './policy.ts';

/** What a policy says of an event. */
export interface Decision {
  /** The first rule that matches, counted from 0; -1 where none does, and the level is then `None`. */
  readonly rule: number;
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

export interface PolicyFilter extends Filter {
  /** What the policy says, whatever the event holds. */
  decide(event: Event): Decision;
}

/** Names what no rule matched. */
const NO_RULE = 'policy[none]';
const PASS: Verdict = { type: 'pass' };

/**
 * A policy as a filter: what its rule records at `None`, or at a stage that it omits, is dropped; of the rest, what the
 * rule's level does not hold is cut out. `rules` are `policy[0]` and so on, then `policy[none]`, then
 * `policy[0].omitStages` and so on.
 */
export function createPolicyFilter(policy: Policy): PolicyFilter {
  const evaluator = new PolicyEvaluator(policy);
  const { rules } = policy;
  const decisions = rules.map(
    (rule, index): Decision => ({
      rule: index,
      level: rule.level,
      omitStages: new Set([...policy.omitStages, ...rule.omitStages]),
      omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
    }),
  );
  const noRule: Decision = {
    rule: -1,
    level: 'None',
    omitStages: new Set(policy.omitStages),
    omitManagedFields: policy.omitManagedFields,
  };
  const names = rules.map((_, index) => `policy[${index}]`);
  const drops = rules.map((_, index): Verdict => ({ type: 'drop', rule: index }));
  const dropUnmatched: Verdict = { type: 'drop', rule: rules.length };
  const omits = rules.map((_, index): Verdict => ({ type: 'drop', rule: rules.length + 1 + index }));

  function decide(event: Event): Decision {
    return decisions[evaluator.firstMatch(event)] ?? noRule;
  }

  return {
    hash: hashOf(policy),
    rules: [...names, NO_RULE, ...names.map((name) => `${name}.omitStages`)],
    failures: () => 0,
    decide,
    judge(event) {
      const { rule, level, omitStages, omitManagedFields } = decide(event);
      if (rule === -1) return dropUnmatched;
      if (level === 'None') return drops[rule] as Verdict;
      if (omitStages.size > 0 && isOmitted(event, omitStages)) return omits[rule] as Verdict;
      const splices = downgrade(event, level, omitManagedFields);
      return splices.length === 0 ? PASS : { type: 'edit', splices };
    },
  };
}

const STAGE_TABLE = new ByteTable(STAGES.map((stage) => [stage, stage] as const));

function isOmitted(event: Event, omitStages: ReadonlySet<Stage>): boolean {
  const start = event.valueStart(SLOT.stage);
  if (start === -1) return false;
  const stage = STAGE_TABLE.get(event.bytes, start + 1, event.valueEnd(SLOT.stage) - 1);
  // Behind the ??: what is written with escapes, as the API server never does.
  return omitStages.has(stage ?? (event.text(SLOT.stage) as Stage));
}

/** Of what decides and nothing else: not of comments, of the order within lists, or of how the text is written. */
function hashOf({ rules, omitStages, omitManagedFields }: Policy): string {
  const canonical = rules.map((rule) => ({
    level: rule.level,
    users: sorted(rule.users),
    userGroups: sorted(rule.userGroups),
    verbs: sorted(rule.verbs),
    namespaces: sorted(rule.namespaces),
    resources: sorted(
      rule.resources.map(({ group, resources, resourceNames }) =>
        JSON.stringify([group, sorted(resources), sorted(resourceNames)]),
      ),
    ),
    nonResourceURLs: sorted(rule.nonResourceURLs),
    omitStages: sorted([...omitStages, ...rule.omitStages]),
    omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
  }));
  return createHash('sha256')
    .update(JSON.stringify({ version: 1, rules: canonical }))
    .digest('hex')
    .slice(0, 16);
}

function sorted(list: readonly string[]): readonly string[] {
  return [...new Set(list)].sort();
}
