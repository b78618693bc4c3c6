import { type GroupResources, isForResources, type PolicyRule } from './policy.ts';

/**
 * Whether each request that a rule matches is matched by another rule as well, as far as can be told from their lists:
 * true is certain.
 */
export function coveredBy(rule: PolicyRule, other: PolicyRule): boolean {
  if (!within(rule.users, other.users) || !within(rule.userGroups, other.userGroups)) return false;
  if (!within(rule.verbs, other.verbs)) return false;
  if (isForResources(other)) {
    if (!isForResources(rule) || !within(rule.namespaces, other.namespaces)) return false;
    if (other.resources.length === 0) return true;
    return rule.resources.length > 0 && rule.resources.every((entry) => isEntryCovered(entry, other.resources));
  }
  if (other.nonResourceURLs.length === 0) return true;
  if (isForResources(rule) || rule.nonResourceURLs.length === 0) return false;
  return rule.nonResourceURLs.every((url) => other.nonResourceURLs.some((pattern) => isUrlCovered(url, pattern)));
}

/** An empty list is no condition. */
function within(list: readonly string[], other: readonly string[]): boolean {
  return other.length === 0 || (list.length > 0 && list.every((item) => other.includes(item)));
}

function isUrlCovered(url: string, pattern: string): boolean {
  return url === pattern || (pattern.endsWith('*') && url.startsWith(pattern.slice(0, -1)));
}

function isEntryCovered(entry: GroupResources, others: readonly GroupResources[]): boolean {
  const same = others.filter(({ group }) => group === entry.group);
  if (same.some(({ resources, resourceNames }) => isWholeGroup(resources) && resourceNames.length === 0)) return true;
  if (entry.resources.length === 0) return false;
  return entry.resources.every((written) =>
    same.some(
      (other) =>
        within(entry.resourceNames, other.resourceNames) &&
        other.resources.some((pattern) => isResourceCovered(written, pattern)),
    ),
  );
}

function isWholeGroup(resources: readonly string[]): boolean {
  return resources.length === 0 || resources.includes('*');
}

function isResourceCovered(written: string, pattern: string): boolean {
  if (pattern === '*' || pattern === written) return true;
  const [resource = '', subresource] = written.split('/');
  if (written === '*' || resource === '*') return false;
  return (
    pattern === `${resource}/*` || (subresource !== undefined && subresource !== '*' && pattern === `*/${subresource}`)
  );
}
