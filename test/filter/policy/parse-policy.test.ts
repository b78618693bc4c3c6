import { expect, test } from 'vitest';
import { parsePolicy } from '../../../src/filter/policy/parse-policy.ts';
import type { Policy, PolicyFinding } from '../../../src/filter/policy/policy.ts';

const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';

/** The findings as a person reads them. */
function findings(text: string, lenient = false): string {
  return parsePolicy(text, { lenient }).findings.map(formatted).join('\n');
}

function formatted({ level, line, column, path, message, hint }: PolicyFinding): string {
  const words = `${line}:${column} ${path}${path === '' ? '' : ' '}${level === 'warning' ? 'warning: ' : ''}${message}`;
  return hint === undefined ? words : `${words}\n  ${hint.replaceAll('\n', '\n  ')}`;
}

function rules(text: string): string {
  return findings(`${HEAD}rules:\n${text}`);
}

function policyOf(text: string, lenient = false): Policy {
  const parsed = parsePolicy(text, { lenient });
  if (!parsed.ok) throw new Error(parsed.findings.map(formatted).join('\n'));
  return parsed.policy;
}

test('a policy is read with all that a rule can say', () => {
  const text = `${HEAD}omitStages: [RequestReceived]\nomitManagedFields: yes\nrules:
- level: Request
  users: [a]
  userGroups: [b]
  verbs: [get]
  namespaces: [""]
  resources:
  - group: apps
    resources: [deployments]
    resourceNames: [x]
  omitStages: [Panic]
  omitManagedFields: false
- level: None
  nonResourceURLs: ["/healthz*"]
`;
  expect(policyOf(text)).toMatchInlineSnapshot(`
    {
      "omitManagedFields": true,
      "omitStages": [
        "RequestReceived",
      ],
      "rules": [
        {
          "level": "Request",
          "namespaces": [
            "",
          ],
          "nonResourceURLs": [],
          "omitManagedFields": false,
          "omitStages": [
            "Panic",
          ],
          "place": {
            "column": 3,
            "line": 6,
          },
          "resources": [
            {
              "group": "apps",
              "resourceNames": [
                "x",
              ],
              "resources": [
                "deployments",
              ],
            },
          ],
          "userGroups": [
            "b",
          ],
          "users": [
            "a",
          ],
          "verbs": [
            "get",
          ],
        },
        {
          "level": "None",
          "namespaces": [],
          "nonResourceURLs": [
            "/healthz*",
          ],
          "omitManagedFields": undefined,
          "omitStages": [],
          "place": {
            "column": 3,
            "line": 17,
          },
          "resources": [],
          "userGroups": [],
          "users": [],
          "verbs": [],
        },
      ],
    }
  `);
});

test('a level that is spelt in another way is answered with the right spelling', () => {
  expect(
    rules('- level: metadata\n- level: request-response\n- level: All\n- level: Infinite\n- level:\n- verbs: [get]\n'),
  ).toMatchInlineSnapshot(`
    "4:10 rules[0].level there is no level "metadata"
      Write level: Metadata
    5:10 rules[1].level there is no level "request-response"
      Write level: RequestResponse
    6:10 rules[2].level there is no level "All"
      Write level: RequestResponse
    7:10 rules[3].level there is no level "Infinite"
      Write one of None, Metadata, Request, RequestResponse
    8:9 rules[4].level a rule needs a level
      Write level: with one of None, Metadata, Request, RequestResponse
    9:3 rules[5].level a rule needs a level
      Write level: with one of None, Metadata, Request, RequestResponse"
  `);
});

test('resources as a list of names are answered with entries of the group that serves each', () => {
  expect(rules('- level: Metadata\n  resources: ["secrets", "deployments"]\n')).toMatchInlineSnapshot(`
    "5:15 rules[0].resources[0] an entry of resources is an object with a group and its resources, not a name
      Write
      resources:
        - group: ""
          resources: ["secrets"]
        - group: "apps"
          resources: ["deployments"]"
  `);
});

test('resources as one object, for want of a dash, are answered with entries', () => {
  expect(rules('- level: Metadata\n  resources:\n    group: ""\n    resources: ["pods"]\n')).toMatchInlineSnapshot(`
    "6:5 rules[0].resources resources is a list of entries, each with a group and its resources
      Write
      resources:
        - group: ""
          resources: ["pods"]"
  `);
});

test('resources beside the entries, not within one, are answered with entries', () => {
  expect(rules('- level: Metadata\n  resources:\n  - group: ""\n  resources: ["pods"]\n')).toMatchInlineSnapshot(`
    "7:3 rules[0].resources this field stands here twice, and the second hides the first
      If the second belongs to the group above it, indent it as far as group.
    7:15 rules[0].resources[0] an entry of resources is an object with a group and its resources, not a name
      Write
      resources:
        - group: ""
          resources: ["pods"]"
  `);
});

test('a group and names that stand in the rule are shown their place', () => {
  expect(
    rules('- level: Metadata\n  group: apps\n  resourceNames: [x]\n- level: None\n  groups: ["system:nodes"]\n'),
  ).toMatchInlineSnapshot(`
    "5:3 rules[0].group unknown field; did you mean "userGroups"?
      An API group belongs into an entry of resources, as - group: "apps"; groups of users are userGroups.
    6:3 rules[0].resourceNames unknown field
      resourceNames belongs into an entry of resources: indent it as far as group.
    8:3 rules[1].groups unknown field
      Write userGroups: ["system:nodes"]"
  `);
});

test('the fields of an RBAC rule are answered with those of a policy', () => {
  expect(
    rules(
      '- level: Metadata\n  resources:\n  - apiGroups: ["apps"]\n    resources: ["deployments"]\n    verbs: [get]\n',
    ),
  ).toMatchInlineSnapshot(`
    "6:5 rules[0].resources[0].apiGroups unknown field; did you mean "group"?
      Write group: "apps", one group in each entry.
    8:5 rules[0].resources[0].verbs unknown field
      verbs belongs to the rule: indent it as far as level."
  `);
});

test('a group with a version, in capitals, or as a wildcard is refused', () => {
  expect(
    rules(
      '- level: Metadata\n  resources:\n  - group: apps/v1\n  - group: Apps\n  - group: "*"\n  - group: [apps]\n    resourceNames: [a]\n',
    ),
  ).toMatchInlineSnapshot(`
    "6:12 rules[0].resources[0].group "apps/v1" is no API group
      Write group: "apps", without the version.
    7:12 rules[0].resources[1].group "Apps" is no API group
      Write group: "apps"
    8:12 rules[0].resources[2].group "*" is no API group
      No * stands for all groups: leave resources out, or write one entry for each group.
    9:12 rules[0].resources[3].group a list stands where a text is expected
      Write "apps", without the brackets.
    10:20 rules[0].resources[3].resourceNames names without resources: whose names are they?
      Write resources: beside it."
  `);
});

test('miscased fields are unknown', () => {
  expect(
    findings(`${HEAD}omitstages: []\nRules: []\nrules:\n- Level: None\n  level: None\n  nonResourceUrls: [/x]\n`),
  ).toMatchInlineSnapshot(`
    "3:1 omitstages unknown field; did you mean "omitStages"?
      Write omitStages:
    4:1 Rules unknown field; did you mean "rules"?
      Write rules:
    6:3 rules[0].Level unknown field; did you mean "level"?
      Write level:
    8:3 rules[0].nonResourceUrls unknown field; did you mean "nonResourceURLs"?
      Write nonResourceURLs:"
  `);
});

test('a field that stands twice is refused, also where << brings it', () => {
  expect(
    rules('- &a\n  level: None\n  level: Metadata\n- <<: *a\n  level: Request\n- level: Request\n  <<: *a\n'),
  ).toMatchInlineSnapshot(`
    "5:3 rules[2].level what << merges has this field once more, and hides the first
      Keep one of them.
    6:3 rules[0].level this field stands here twice, and the second hides the first
      Keep one of them.
    6:3 rules[1].level what << merges has this field once more, and hides the first
      Keep one of them.
    6:3 rules[2].level what << merges has this field once more, and hides the first
      Keep one of them.
    8:3 rules[1].level this field stands here twice, and the second hides the first
      Keep one of them."
  `);
});

test('values of wrong types are refused', () => {
  expect(
    rules(
      '- level: 5\n  users: bob\n  verbs: [yes, 1]\n  namespaces: {a: b}\n  omitManagedFields: "true"\n- get\n- [a]\n',
    ),
  ).toMatchInlineSnapshot(`
    "4:10 rules[0].level the number 5 stands where a text is expected
      Write "5", in quotes.
    5:10 rules[0].users the text "bob" stands where a list is expected
      Write users: ["bob"]
    6:11 rules[0].verbs[0] the boolean yes stands where a text is expected
      Write "yes", in quotes.
    6:16 rules[0].verbs[1] the number 1 stands where a text is expected
      Write "1", in quotes.
    7:15 rules[0].namespaces an object stands where a list is expected
    8:22 rules[0].omitManagedFields the text "true" stands where true or false is expected
      Write true or false, without quotes.
    9:3 rules[1] the text "get" stands where an object with fields is expected
    9:3 rules[1].level a rule needs a level
      Write level: with one of None, Metadata, Request, RequestResponse
    10:3 rules[2] a list stands where an object with fields is expected
    10:3 rules[2].level a rule needs a level
      Write level: with one of None, Metadata, Request, RequestResponse"
  `);
});

test('URLs and stages that cannot be are refused', () => {
  expect(
    rules(
      '- level: None\n  nonResourceURLs: [healthz, "/a/*/b", "*", "https://x/y", "/ok*"]\n  omitStages: [requestReceived, Started]\n- level: None\n  nonResourceURLs: ["/x"]\n  namespaces: [a]\n',
    ),
  ).toMatchInlineSnapshot(`
    "5:21 rules[0].nonResourceURLs[0] "healthz" does not begin with a slash
      Write "/healthz"
    5:30 rules[0].nonResourceURLs[1] "/a/*/b" has a * before its end
      Write "/a/*", which matches all that begins so.
    5:45 rules[0].nonResourceURLs[3] "https://x/y" does not begin with a slash
      Write the path alone.
    6:16 rules[0].omitStages[0] there is no stage "requestReceived"
      Write "RequestReceived"
    6:33 rules[0].omitStages[1] there is no stage "Started"
      Write one of RequestReceived, ResponseStarted, ResponseComplete, Panic
    8:20 rules[1].nonResourceURLs a rule is either for resources and namespaces or for non-resource URLs
      Make two rules of it."
  `);
});

test.each([
  '',
  'rules: []',
  '- level: None',
  'apiVersion: audit.k8s.io/v1beta1\nkind: Policies\nrules:\n- level: None',
  `${HEAD}policy: {}\nlevel: None`,
  `${HEAD}rules:\n-\tlevel: None`,
  '{apiVersion: audit.k8s.io/v1}',
  `${HEAD}rules: *nothing`,
  `${HEAD}metadata: {name: 5, labels: {a: 1}, creationTimestamp: now, colour: red}\nrules:\n- level: None`,
])('%j is answered with what to write', (text) => {
  expect(findings(text)).toMatchSnapshot();
});

test('lenient: what the API server only warns of is a warning, and read as it reads it', () => {
  const text = `${HEAD}x: &a {level: None}\nrules:\n- level: None\n  level: Metadata\n  Users: [a]\n- level: Request\n  <<: *a\n`;
  const parsed = parsePolicy(text, { lenient: true });
  expect(parsed.findings.map(formatted).join('\n')).toMatchInlineSnapshot(`
    "3:1 x warning: unknown field
    3:8 rules[1].level warning: what << merges has this field once more, and hides the first
      Keep one of them.
    6:3 rules[0].level warning: this field stands here twice, and the second hides the first
      Keep one of them.
    7:3 rules[0].Users warning: unknown field; did you mean "users"?
      Write users:"
  `);
  expect(policyOf(text, true).rules.map(({ level, users }) => [level, users])).toEqual([
    ['Metadata', []],
    ['None', []],
  ]);
});

test('lenient: lists that stand twice in JSON are refused, since the API server would mix them', () => {
  const text = '{"apiVersion":"audit.k8s.io/v1","rules":[{"level":"None"}],"rules":[{"level":"Metadata"}]}';
  expect(findings(text, true)).toMatchInlineSnapshot(`
    "1:60 rules this field stands here twice; the API server would mix the two
      Keep one of them."
  `);
});

test('null is the same as nothing, an entry of null too', () => {
  const text = `${HEAD}omitStages:\nmetadata: ~\nrules:\n- level: Metadata\n  users: [null]\n  verbs:\n  resources: [~]\n`;
  const [rule] = policyOf(text).rules;
  expect([rule?.users, rule?.verbs, rule?.resources]).toEqual([
    [''],
    [],
    [{ group: '', resources: [], resourceNames: [] }],
  ]);
});

test('only the first of several documents counts', () => {
  expect(policyOf(`${HEAD}rules:\n- level: None\n---\nrules: 5\n`).rules).toHaveLength(1);
});

test('aliases that stand for more than a policy can hold, or for themselves, are refused', () => {
  const lines = Array.from(
    { length: 30 },
    (_, at) => `a${at}: &a${at} [${at === 0 ? 'x' : `*a${at - 1}, *a${at - 1}`}]`,
  );
  expect(findings(`${HEAD}${lines.join('\n')}\n`)).toContain('more than 10000 values');
  expect(findings(`${HEAD}rules: &r [*r]\n`)).toContain('holds itself');
});
