import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lintPolicy, type LintOptions } from '../../../src/filter/policy/lint.ts';
import { parsePolicy } from '../../../src/filter/policy/parse-policy.ts';
import { REPOSITORY } from '../../support/source-files.ts';

function lint(rules: string, options: LintOptions = {}): string {
  const parsed = parsePolicy(`apiVersion: audit.k8s.io/v1\nrules:\n${rules}`);
  if (!parsed.ok) throw new Error(parsed.findings.map(({ message }) => message).join('\n'));
  return lintPolicy(parsed.policy, options)
    .map(({ line, path, message, hint }) => `${line} ${path}: ${message}${hint === undefined ? '' : ` | ${hint}`}`)
    .join('\n');
}

test('a rule that takes every request hides all behind it', () => {
  expect(lint('- level: Metadata\n- level: None\n  users: [a]\n- level: None\n')).toMatchInlineSnapshot(
    `"3 rules[0]: takes every request: the 2 rules behind it can never match | Put it at the end."`,
  );
});

test('a rule is hidden by an earlier one that takes at least as much', () => {
  expect(
    lint(`- {level: None, verbs: [get, list], resources: [{group: "", resources: ["pods/*", configmaps]}]}
- {level: Metadata, verbs: [get], resources: [{group: "", resources: [pods, pods/log]}]}
- {level: Metadata, verbs: [get], resources: [{group: "", resources: [pods, secrets]}]}
- {level: Metadata, verbs: [get, watch], resources: [{group: "", resources: [pods]}]}
- {level: None, nonResourceURLs: ["/healthz*"]}
- {level: None, nonResourceURLs: ["/healthz/ping", "/healthz*"], users: [a]}
- {level: None, nonResourceURLs: ["/health*"]}
`),
  ).toMatchInlineSnapshot(`
    "4 rules[1]: can never match: rules[0] (line 3) takes all that it is for | Put it before that rule, or take it out.
    8 rules[5]: can never match: rules[4] (line 7) takes all that it is for | Put it before that rule, or take it out."
  `);
});

test('wildcards where there are none, and verbs that no request has, never match', () => {
  expect(
    lint(`- {level: None, users: ["*"], namespaces: ["*"]}
- {level: None, verbs: ["*", GET, post, lists, explode]}
- {level: None, verbs: [watch, get], nonResourceURLs: ["/x"]}
- {level: None, verbs: [POST, head], namespaces: [a]}
`),
  ).toMatchInlineSnapshot(`
    "3 rules[0].users: "*" is no wildcard here | Leave users out to match all.
    3 rules[0].namespaces: "*" is no wildcard here | Leave namespaces out to match all.
    4 rules[1].verbs: "*" is no wildcard here | Leave verbs out to match all.
    4 rules[1].verbs: requests for resources never have the verb "GET" | Write "get"
    4 rules[1].verbs: requests for resources never have the verb "lists" | Write "list"
    4 rules[1].verbs: requests for resources never have the verb "explode" | They have get, list, watch, create, update, patch, delete, deletecollection, head, post, put, options.
    5 rules[2].verbs: requests that are for no resource never have the verb "watch" | They have get, head, post, put, patch, delete, options.
    6 rules[3].verbs: requests for resources never have the verb "POST" | Write "create"
    6 rules[3].verbs: requests for resources never have the verb "head" | They have get, list, watch, create, update, patch, delete, deletecollection."
  `);
});

test('resources that their group does not have never match', () => {
  expect(
    lint(`- level: None
  resources:
  - {group: core, resources: [pods/*]}
  - {group: "", resources: [deployments, Pod/*, pods/logs, pods/foo, "*/*", "po*", "*/status", "*"]}
  - {group: apps, resources: [deployment]}
  - {group: shop.example.com, resources: [anything]}
`),
  ).toMatchInlineSnapshot(`
    "3 rules[0].resources[0].group: there is no group "core" | Write group: "" for the core group.
    3 rules[0].resources[1].resources: "deployments" is not in the core group | Write it below group: "apps"
    3 rules[0].resources[1].resources: "Pod" is not in the core group | Write "pods/*"
    3 rules[0].resources[1].resources: "pods" has no subresource "logs" | Write "pods/log"
    3 rules[0].resources[1].resources: "pods" has no subresource "foo" | It has status, attach, binding, ephemeralcontainers, eviction, exec, log, portforward, proxy, resize.
    3 rules[0].resources[1].resources: "*/*" matches nothing | Write "*" for all resources with their subresources.
    3 rules[0].resources[1].resources: "po*" matches nothing: * stands for a whole name | Write each name in full, or "*" for all.
    3 rules[0].resources[2].resources: "deployment" is not in group apps | Write "deployments""
  `);
});

test('pods that do not cover the ways into them are pointed out once, and not where a rule names those', () => {
  const pods = '{level: Metadata, resources: [{group: "", resources: [pods]}]}';
  expect(
    lint(`- ${pods}\n- {level: None, users: [a], resources: [{group: "", resources: [pods, nodes]}]}\n`),
  ).toMatchInlineSnapshot(`
    "3 rules[0].resources[0].resources: "pods" does not cover pods/attach, pods/ephemeralcontainers, pods/exec, pods/log, pods/portforward, pods/proxy, and no rule names them | Write "pods/*" to cover all of it.
    4 rules[1].resources[0].resources: "nodes" does not cover nodes/proxy, and no rule names it | Write "nodes/*" to cover all of it."
  `);
  expect(lint(`- ${pods}\n- {level: None, resources: [{group: "", resources: [pods/*]}]}\n`)).toBe('');
});

test('a level above what the log holds is pointed out', () => {
  const rules = '- {level: RequestResponse, verbs: [create]}\n- {level: Metadata}\n';
  expect(lint(rules, { highestLevel: 'Request' })).toMatchInlineSnapshot(
    `"3 rules[0].level: the log holds Request at most: what it lacks cannot be put back | Raise the level in the policy of the API server."`,
  );
  expect(lint(rules)).toBe('');
});

test.each(readdirSync(join(REPOSITORY, 'config/policies')))('config/policies/%s gives nothing to point out', (name) => {
  const parsed = parsePolicy(readFileSync(join(REPOSITORY, 'config/policies', name), 'utf8'));
  expect(parsed.ok && lintPolicy(parsed.policy)).toEqual([]);
});
