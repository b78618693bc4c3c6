import { coveredBy } from './coverage.ts';
import { groupsOf, isKnownGroup, resourcesOf, subresourcesOf } from './known-resources.ts';
import {
  isForResources,
  LEVELS,
  type GroupResources,
  type Level,
  type Policy,
  type PolicyFinding,
  type PolicyRule,
} from './policy.ts';
import { meant } from './spelling.ts';

export interface LintOptions {
  /** The highest level seen in the log that the policy is for; unset where nobody has looked. */
  readonly highestLevel?: Level;
}

/** Verbs of requests for resources, and methods of all others; k8s.io/apiserver/pkg/endpoints/request/requestinfo.go. */
const RESOURCE_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];

/** Subresources by which somebody gets into a container, a node, a service, or at a token. */
const WAYS_IN = new Set(['attach', 'ephemeralcontainers', 'exec', 'log', 'portforward', 'proxy', 'token']);

/**
 * What is allowed, and most likely not what was meant: rules that can never match, rules behind one that takes all,
 * resources without the subresources that matter, levels above what the log holds.
 */
export function lintPolicy({ rules }: Policy, { highestLevel }: LintOptions = {}): readonly PolicyFinding[] {
  const findings: PolicyFinding[] = [];
  const warn: Warn = ({ place }, path, message, hint) => {
    findings.push({ level: 'warning', ...place, path, message, ...(hint === undefined ? {} : { hint }) });
  };
  lintOrder(rules, warn);
  for (const [at, rule] of rules.entries()) {
    lintValues(rule, `rules[${at}]`, warn);
    for (const [entry, resources] of rule.resources.entries()) {
      lintEntry(rule, resources, `rules[${at}].resources[${entry}]`, warn);
    }
    if (highestLevel !== undefined && LEVELS.indexOf(rule.level) > LEVELS.indexOf(highestLevel)) {
      const words = `the log holds ${highestLevel} at most: what it lacks cannot be put back`;
      warn(rule, `rules[${at}].level`, words, 'Raise the level in the policy of the API server.');
    }
  }
  lintSubresources(rules, warn);
  return findings;
}

type Warn = (rule: PolicyRule, path: string, message: string, hint?: string) => void;

function isCatchAll(rule: PolicyRule): boolean {
  const { users, userGroups, verbs, nonResourceURLs } = rule;
  return [users, userGroups, verbs, nonResourceURLs].every((list) => list.length === 0) && !isForResources(rule);
}

function lintOrder(rules: readonly PolicyRule[], warn: Warn): void {
  const catchAll = rules.findIndex(isCatchAll);
  const reached = catchAll === -1 ? rules : rules.slice(0, catchAll + 1);
  if (reached.length < rules.length) {
    const behind = rules.length - reached.length;
    const words = `takes every request: the ${behind === 1 ? 'rule' : `${behind} rules`} behind it can never match`;
    warn(rules[catchAll] as PolicyRule, `rules[${catchAll}]`, words, 'Put it at the end.');
  }
  for (const [at, rule] of reached.entries()) {
    const before = reached.findIndex((other, index) => index < at && coveredBy(rule, other));
    if (before === -1) continue;
    const words = `can never match: rules[${before}] (line ${reached[before]?.place.line}) takes all that it is for`;
    warn(rule, `rules[${at}]`, words, 'Put it before that rule, or take it out.');
  }
}

function lintValues(rule: PolicyRule, path: string, warn: Warn): void {
  for (const field of ['users', 'userGroups', 'verbs', 'namespaces'] as const) {
    if (rule[field].includes('*')) {
      warn(rule, `${path}.${field}`, '"*" is no wildcard here', `Leave ${field} out to match all.`);
    }
  }
  const isForUrls = rule.nonResourceURLs.length > 0;
  const known = isForUrls
    ? METHODS
    : isForResources(rule)
      ? RESOURCE_VERBS
      : [...new Set([...RESOURCE_VERBS, ...METHODS])];
  for (const verb of rule.verbs) {
    if (known.includes(verb) || verb === '*' || (!isForUrls && (verb === '' || verb === 'proxy'))) continue;
    const requests = isForUrls ? 'requests that are for no resource' : 'requests for resources';
    const name =
      isForUrls && RESOURCE_VERBS.includes(verb) ? undefined : (VERBS[verb.toLowerCase()] ?? meant(verb, known));
    const hint = name === undefined ? `They have ${known.join(', ')}.` : `Write "${name}"`;
    warn(rule, `${path}.verbs`, `${requests} never have the verb "${verb}"`, hint);
  }
}

/** HTTP methods as verbs of resources, and verbs that RBAC has. */
const VERBS: Readonly<Record<string, string>> = {
  post: 'create',
  put: 'update',
  use: 'get',
  read: 'get',
  write: 'update',
};

function lintEntry(rule: PolicyRule, { group, resources }: GroupResources, path: string, warn: Warn): void {
  if (group === 'core' || group === 'v1') {
    warn(rule, `${path}.group`, `there is no group "${group}"`, 'Write group: "" for the core group.');
  }
  for (const written of resources) {
    const [resource = '', subresource] = written.split('/');
    const place = `${path}.resources`;
    if (written === '*' || (resource === '*' && subresource !== undefined && subresource !== '*')) continue;
    if (written === '*/*') {
      warn(rule, place, '"*/*" matches nothing', 'Write "*" for all resources with their subresources.');
    } else if (written.slice(1, -1).includes('*') || (written.length > 1 && /^[^/]+\*$|^\*[^/]/.test(written))) {
      warn(
        rule,
        place,
        `"${written}" matches nothing: * stands for a whole name`,
        'Write each name in full, or "*" for all.',
      );
    } else if (isKnownGroup(group)) lintKnown(rule, group, resource, subresource, place, warn);
  }
}

function lintKnown(
  rule: PolicyRule,
  group: string,
  resource: string,
  subresource: string | undefined,
  path: string,
  warn: Warn,
): void {
  const subresources = subresourcesOf(group, resource);
  const groupName = group === '' ? 'the core group' : `group ${group}`;
  if (subresources === undefined) {
    const elsewhere = groupsOf(resource.toLowerCase());
    const name = meant(resource, resourcesOf(group));
    const hint =
      elsewhere.length > 0 && !elsewhere.includes(group)
        ? `Write it below group: "${elsewhere.join('" or "')}"`
        : name === undefined
          ? undefined
          : `Write "${name}${subresource === undefined ? '' : `/${subresource}`}"`;
    warn(rule, path, `"${resource}" is not in ${groupName}`, hint);
  } else if (subresource !== undefined && subresource !== '*' && !subresources.includes(subresource)) {
    const name = meant(subresource, subresources);
    const hint = name === undefined ? `It has ${subresources.join(', ')}.` : `Write "${resource}/${name}"`;
    warn(rule, path, `"${resource}" has no subresource "${subresource}"`, hint);
  }
}

/** Names each resource once, at the first rule that has it, unless another rule sees to its subresources. */
function lintSubresources(rules: readonly PolicyRule[], warn: Warn): void {
  const named = new Set(rules.flatMap((rule) => rule.resources.flatMap(textsOf)));
  const wholeGroups = new Set(
    rules.flatMap(({ resources }) =>
      resources.filter((entry) => entry.resources.length === 0).map(({ group }) => group),
    ),
  );
  const seen = new Set<string>();
  for (const [at, rule] of rules.entries()) {
    for (const [index, { group, resources }] of rule.resources.entries()) {
      for (const resource of resources) {
        const key = `${group}|${resource}`;
        const missed = (subresourcesOf(group, resource) ?? [])
          .filter((name) => WAYS_IN.has(name))
          .filter((name) => ![`${key}/${name}`, `${key}/*`, `${group}|*/${name}`].some((text) => named.has(text)));
        if (missed.length === 0 || seen.has(key) || wholeGroups.has(group) || named.has(`${group}|*`)) continue;
        seen.add(key);
        const names = missed.map((name) => `${resource}/${name}`);
        const words = `"${resource}" does not cover ${names.join(', ')}, and no rule names ${missed.length === 1 ? 'it' : 'them'}`;
        warn(rule, `rules[${at}].resources[${index}].resources`, words, `Write "${resource}/*" to cover all of it.`);
      }
    }
  }
}

function textsOf({ group, resources }: GroupResources): readonly string[] {
  return resources.map((resource) => `${group}|${resource}`);
}
