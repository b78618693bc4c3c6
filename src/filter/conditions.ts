import { createHash } from 'node:crypto';
import { AuditailError } from '../errors.ts';
import type { Event } from '../event/event.ts';
import { compileExpression } from './expression.ts';
import type { Filter, Verdict } from './filter.ts';

/** Names what no `keep` expression matched, beside the names of the `drop` rules. */
const NOT_KEPT = 'keep';
const PASS: Verdict = { type: 'pass' };

/** What one rule says; it may fail on an event. */
type Holds = (event: Event) => boolean;

/**
 * The conditions of one output: `drop` wins; where there are `keep` rules, one at least must match. An expression that fails
 * on an event never takes it away: a `drop` rule then does not match, a `keep` rule does, and it is counted.
 *
 * @throws {AuditailError} AUD_CONFIG where an expression is not sound
 */
export function createConditions({ keep, drop }: Conditions): Filter {
  const drops = drop.map((rule, index) => ({
    holds: compileRule(rule),
    verdict: { type: 'drop', rule: index } as const,
  }));
  const keeps = keep.map(compileRule);
  const notKept: Verdict = { type: 'drop', rule: drops.length };
  let failures = 0;

  function holds(rule: Holds, event: Event, otherwise: boolean): boolean {
    try {
      return rule(event);
    } catch {
      failures += 1;
      return otherwise;
    }
  }

  return {
    hash: hashOf(keep, drop),
    rules: [...drop.map(({ name }) => name), ...(keep.length > 0 ? [NOT_KEPT] : [])],
    failures: () => failures,
    judge(event) {
      for (const rule of drops) if (holds(rule.holds, event, false)) return rule.verdict;
      for (const rule of keeps) if (holds(rule, event, true)) return PASS;
      return keeps.length === 0 ? PASS : notKept;
    },
  };
}

interface Rule {
  readonly name: string;
  readonly when: string;
}

interface Conditions {
  readonly keep: readonly Rule[];
  readonly drop: readonly Rule[];
}

/** @throws {AuditailError} AUD_CONFIG where the expression is not sound */
export function compileRule({ name, when }: Rule): Holds {
  const compiled = compileExpression(when);
  if (compiled.ok) return compiled.holds;
  throw new AuditailError('AUD_CONFIG', `filter rule ${name}: ${compiled.message}\n${pointer(when, compiled.column)}`, {
    hint: 'Mend the expression; `auditail check` shows where it stands.',
  });
}

/** The line of the expression that holds the place, and a caret under it. */
function pointer(text: string, column: number): string {
  const start = column === 0 ? 0 : text.lastIndexOf('\n', column - 1) + 1;
  const line = text.slice(start).split('\n', 1)[0] as string;
  return `  > ${line.replaceAll('\t', ' ')}\n    ${' '.repeat(column - start)}^`;
}

/**
 * Of the expressions and nothing else: what a rule is called and in which order the rules of one kind stand changes
 * nothing of what passes.
 */
function hashOf(keep: readonly Rule[], drop: readonly Rule[]): string {
  if (keep.length === 0 && drop.length === 0) return 'none';
  const canonical = { version: 1, keep: expressions(keep), drop: expressions(drop) };
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex').slice(0, 16);
}

function expressions(rules: readonly Rule[]): readonly string[] {
  return [...new Set(rules.map(({ when }) => when.trim()))].sort();
}
