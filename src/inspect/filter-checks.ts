import { readFileSync } from 'node:fs';
import { openAlertRules } from './alert-rules.ts';
import type { CheckPath, CheckPolicy, FilterChecks } from '../config/filter-checks.ts';
import { messageOf } from '../errors.ts';
import { compileExpression } from '../filter/expression.ts';
import { lintPolicy } from '../filter/policy/lint.ts';
import { parsePolicy } from '../filter/policy/parse-policy.ts';
import { parsePath } from '../filter/trim/field-path.ts';
import { problemsOf } from './opened-policy.ts';

const checkPolicy: CheckPolicy = (file, lenient) => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { unreadable: `the policy ${file} cannot be read: ${messageOf(error)}` };
  }
  const parsed = parsePolicy(text, { lenient });
  const linted = parsed.ok ? lintPolicy(parsed.policy) : [];
  return { problems: problemsOf(file, [...parsed.findings, ...linted]) };
};

const checkPath: CheckPath = (text, isMember) => {
  const parsed = parsePath(text);
  if (!parsed.ok || !isMember || parsed.path.steps.at(-1)?.type !== 'each') return parsed;
  const message = 'ends in []: elements have no names to be left out by; name the array itself, or a member of them';
  return { ok: false, message, column: text.length - 2 };
};

/** The filters' own compilers, for who reads a configuration. */
export const FILTER_CHECKS: Required<FilterChecks> = {
  checkExpression: compileExpression,
  checkPolicy,
  checkPath,
  checkAlertRules: (alerts) => openAlertRules(alerts).problems,
};
