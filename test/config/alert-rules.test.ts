import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileRule } from '../../src/alert/compile-rule.ts';
import type { Rule } from '../../src/alert/rule.ts';
import type { AlertRuleConfig } from '../../src/config/alert-rule-schema.ts';
import { readAlertRules } from '../../src/config/alert-rules.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { compileConjuncts } from '../../src/filter/expression.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const compile = (config: AlertRuleConfig) => compileRule(config, compileConjuncts) as Rule;

function read(text: string) {
  const file = join(temporaryDirectory(), 'rules.yaml');
  writeFileSync(file, text);
  const found = readAlertRules(file, compile);
  return 'problems' in found ? formatProblems(found.problems).replaceAll(file, 'rules.yaml') : found.rules;
}

test('a file of rules is read, with defaults', () => {
  const rules = read(
    'rules:\n  - name: exec\n    severity: high\n    description: d\n    summary: "{{user.username}}"\n',
  );
  expect(rules).toMatchObject([{ name: 'exec', kind: { type: 'each' }, config: { repeat: 3_600_000, enabled: true } }]);
});

test('an empty file has no rules', () => {
  expect(read('\n')).toEqual([]);
});

test('all that is wrong with a file is said at once, with line and column, and a caret in expressions', () => {
  const text = `rules:
  - name: one
    severity: loud
    description: d
    summary: s
    descripton: d
  - name: two
    severity: high
    description: d
    when: verb == "get" && usr.username == "x"
    groupBy: [user.usernam]
    summary: '{{user.username}'
  - name: two
    severity: high
    description: d
    summary: s
`;
  expect(read(text)).toMatchInlineSnapshot(`
    "rules.yaml:3:15  rules[0].severity    must be one of info, low, medium, high, critical, not "loud"
    rules.yaml:6:5   rules[0].descripton  unknown option"
  `);
  expect(read(text.replace('loud', 'high').replace('    descripton: d\n', ''))).toMatchInlineSnapshot(`
    "rules.yaml:9:11   rules[1].when        no such field: usr
                                                  > verb == "get" && usr.username == "x"
                                                                     ^
    rules.yaml:10:15  rules[1].groupBy[0]  there is no field "user.usernam"; did you mean "user.username"?
    rules.yaml:11:14  rules[1].summary     a place begins here and is not closed with }}
                                                  > {{user.username}
                                                    ^
    rules.yaml:12:11  rules[2].name        rules[1] is called that already"
  `);
});
