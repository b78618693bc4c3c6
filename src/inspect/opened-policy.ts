import type { Problem } from '../config/problem.ts';
import { parsePolicy } from '../filter/policy/parse-policy.ts';
import type { PolicyFinding } from '../filter/policy/policy.ts';
import { createPolicyFilter } from '../filter/policy/policy-filter.ts';
import type { OpenedFilter } from './opened-filter.ts';

/** An audit policy as a filter that can be asked why, or what is wrong with it. */
export function openPolicy(
  file: string,
  text: string,
):
  | { readonly type: 'filter'; readonly filter: OpenedFilter }
  | { readonly type: 'problems'; readonly problems: readonly Problem[] } {
  const parsed = parsePolicy(text);
  if (!parsed.ok) return { type: 'problems', problems: problemsOf(file, parsed.findings) };
  const { policy } = parsed;
  const filter = createPolicyFilter(policy);
  return {
    type: 'filter',
    filter: {
      origin: file,
      filter,
      rules: filter.rules,
      deliveredBy: (event) => nameOf(filter.decide(event).rule),
      tried(event) {
        const { rule, level } = filter.decide(event);
        // The rules before the one that matches are no trials of their own: they are looked at all at once.
        const line = policy.rules[rule]?.place.line;
        const words = line === undefined ? `level ${level}` : `level ${level}, line ${line}`;
        return [{ rule: nameOf(rule), kind: 'policy', answer: rule === -1 ? 'no' : 'yes', words }];
      },
    },
  };
}

function nameOf(rule: number): string {
  return rule === -1 ? 'policy[none]' : `policy[${rule}]`;
}

/** What was found in a policy, as problems of the file that it stands in. */
export function problemsOf(file: string, findings: readonly PolicyFinding[]): readonly Problem[] {
  return findings.map(({ level, line, column, path, message, hint }) => ({
    level,
    place: { text: `${file}:${line}:${column}`, line, column },
    path,
    message: hint === undefined ? message : `${message}. ${hint}`,
  }));
}
