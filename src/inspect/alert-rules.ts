import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { compileRule, type RuleProblem } from '../alert/compile-rule.ts';
import type { Rule } from '../alert/rule.ts';
import type { AlertRuleConfig } from '../config/alert-rule-schema.ts';
import { readAlertRules } from '../config/alert-rules.ts';
import type { AlertsConfig } from '../config/alert-schema.ts';
import type { Problem } from '../config/problem.ts';
import { suggest } from '../config/suggestion.ts';
import { messageOf, systemCode } from '../errors.ts';
import { compileConjuncts } from '../filter/expression.ts';

export interface OpenedRules {
  readonly rules: readonly Rule[];
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

type Meant = Pick<AlertsConfig, 'rules' | 'overrides'>;

/** What was opened last: the check of the configuration opens what the agent then works by. */
let last: { readonly stamp: string; readonly opened: OpenedRules } | null = null;

/** The rules that the configuration means, compiled, with its changes; and all that is wrong with the files. */
export function openAlertRules({ rules, overrides }: Meant): OpenedRules {
  const stamp = JSON.stringify([rules, overrides, stampOf(rules)]);
  if (last?.stamp !== stamp) last = { stamp, opened: open({ rules, overrides }) };
  return last.opened;
}

function open({ rules: paths, overrides }: Meant): OpenedRules {
  const problems: Problem[] = [];
  const rules: Rule[] = [];
  const origins = new Map<string, string>();
  const { files, faults } = filesOf(paths);
  for (const [file, message] of faults) problems.push(problemOf(file, message));
  const compile = (config: AlertRuleConfig): Rule | readonly RuleProblem[] =>
    compileRule(changed(config, overrides[config.name]), compileConjuncts);
  for (const file of files) {
    const read = readAlertRules<Rule>(file, compile);
    if (read.rules === undefined) {
      problems.push(...read.problems);
      continue;
    }
    for (const rule of read.rules) {
      const before = origins.get(rule.name);
      if (before !== undefined) problems.push(problemOf(file, `the rule ${rule.name} stands in ${before} as well`));
      origins.set(rule.name, file);
      rules.push(rule);
    }
  }
  if (problems.length === 0) {
    for (const name of Object.keys(overrides)) {
      if (origins.has(name)) continue;
      const meant = suggest(name, [...origins.keys()]);
      const end = meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`;
      problems.push(problemOf(`alerts.overrides.${name}`, `no rule is called so${end}`));
    }
  }
  return { rules, files, problems };
}

function changed(config: AlertRuleConfig, override: AlertsConfig['overrides'][string] | undefined): AlertRuleConfig {
  if (override === undefined) return config;
  const { enabled = config.enabled, severity = config.severity, repeat = config.repeat, except } = override;
  const before = config.except ?? {};
  const after = except ?? {};
  const both = (key: 'users' | 'groups' | 'namespaces' | 'userAgents' | 'networks') => [
    ...(before[key] ?? []),
    ...(after[key] ?? []),
  ];
  const conditions = [before.when, after.when].filter((one) => one !== undefined);
  const when = conditions.length === 2 ? `(${conditions.join(') || (')})` : conditions[0];
  return {
    ...config,
    enabled,
    severity,
    repeat,
    except: {
      users: both('users'),
      groups: both('groups'),
      namespaces: both('namespaces'),
      userAgents: both('userAgents'),
      networks: both('networks'),
      ...(when === undefined ? {} : { when }),
    },
  };
}

/** The files that are named, those in directories in the order of their names. */
function filesOf(paths: readonly string[]): {
  readonly files: readonly string[];
  readonly faults: readonly (readonly [string, string])[];
} {
  const files: string[] = [];
  const faults: [string, string][] = [];
  for (const path of paths) {
    try {
      if (!statSync(path).isDirectory()) {
        files.push(path);
        continue;
      }
      const inside = readdirSync(path).filter((name) => /^[^.].*\.ya?ml$/.test(name) && !name.endsWith('.test.yaml'));
      if (inside.length === 0) faults.push([path, 'has no file *.yaml in it']);
      files.push(...inside.sort().map((name) => join(path, name)));
    } catch (error) {
      faults.push([path, systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${messageOf(error)}`]);
    }
  }
  return { files, faults };
}

/** What changes whenever one of the files does: names, sizes and times. */
export function stampOf(paths: readonly string[]): string {
  const { files, faults } = filesOf(paths);
  const stamps = files.map((file) => {
    try {
      const { ino, size, mtimeNs } = statSync(file, { bigint: true });
      return `${file} ${ino} ${size} ${mtimeNs}`;
    } catch (error) {
      return `${file} ${systemCode(error)}`;
    }
  });
  return [...stamps, ...faults.flat()].join('\n');
}

function problemOf(place: string, message: string): Problem {
  return { level: 'error', place: { text: place, line: 0, column: 0 }, path: '', message };
}
