import { groupsOf } from './known-resources.ts';
import type { GroupResources } from './policy.ts';
import type { Written, WrittenMember } from './policy-text.ts';
import type { WrittenReader } from './written-reader.ts';

const FIELDS = ['group', 'resources', 'resourceNames'];

/** apimachinery, IsDNS1123Subdomain. */
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_SUBDOMAIN = 253;

/** The entries of `resources` of a rule. */
export function readResources(
  reader: WrittenReader,
  written: Written | undefined,
  path: string,
): readonly GroupResources[] {
  if (written === undefined || written.type === 'null') return [];
  if (written.type !== 'list') {
    const words = 'resources is a list of entries, each with a group and its resources';
    reader.error(written, path, words, rightSpelling(namesIn(written)));
    return [];
  }
  const bare = written.items.filter((item) => 'text' in item || item.type === 'list');
  const [first] = bare;
  if (first !== undefined) {
    const words = 'an entry of resources is an object with a group and its resources, not a name';
    reader.error(first, `${path}[${written.items.indexOf(first)}]`, words, rightSpelling(bare.flatMap(namesIn)));
    return [];
  }
  return written.items.map((item, at) => readEntry(reader, item, `${path}[${at}]`));
}

function readEntry(reader: WrittenReader, written: Written, path: string): GroupResources {
  const fields = reader.fields(written, path, FIELDS, explainField);
  const group = reader.text(fields.get('group'), `${path}.group`);
  const resources = reader.texts(fields.get('resources'), `${path}.resources`);
  const resourceNames = reader.texts(fields.get('resourceNames'), `${path}.resourceNames`);
  if (group !== '' && (group.length > MAX_SUBDOMAIN || !DNS_SUBDOMAIN.test(group))) {
    reader.error(fields.get('group') as Written, `${path}.group`, `"${group}" is no API group`, groupHint(group));
  }
  if (resourceNames.length > 0 && resources.length === 0 && fields.get('resources')?.type !== 'text') {
    const words = 'names without resources: whose names are they?';
    reader.error(fields.get('resourceNames') as Written, `${path}.resourceNames`, words, 'Write resources: beside it.');
  }
  return { group, resources, resourceNames };
}

function groupHint(group: string): string {
  if (group === '*') return 'No * stands for all groups: leave resources out, or write one entry for each group.';
  const [name = '', version] = group.split('/');
  if (version !== undefined && DNS_SUBDOMAIN.test(name)) return `Write group: "${name}", without the version.`;
  const lower = group.toLowerCase();
  return DNS_SUBDOMAIN.test(lower) ? `Write group: "${lower}"` : 'A group is lower-case letters, digits, - and dots.';
}

function explainField({ key, value }: WrittenMember): string | undefined {
  if (/^(api)?groups?$/i.test(key)) {
    const [name] = namesIn(value);
    return name === undefined ? undefined : `Write group: "${name}", one group in each entry.`;
  }
  if (['verbs', 'namespaces', 'users', 'userGroups', 'level', 'omitStages'].includes(key)) {
    return `${key} belongs to the rule: indent it as far as level.`;
  }
  return undefined;
}

/** What to say of fields of an entry of resources that stand in the rule itself, as many a blog post has them. */
export function resourcesHint(key: string, value: Written, _path: string): string | undefined {
  if (key === 'resources') return rightSpelling(namesIn(value));
  if (key === 'resourceNames') return 'resourceNames belongs into an entry of resources: indent it as far as group.';
  if (!/^(api)?groups?$/i.test(key)) return undefined;
  const [name = ''] = namesIn(value);
  return name.startsWith('system:')
    ? `Write userGroups: ["${name}"]`
    : 'An API group belongs into an entry of resources, as - group: "apps"; groups of users are userGroups.';
}

function namesIn(written: Written): readonly string[] {
  if (written.type === 'list') return written.items.flatMap(namesIn);
  if (written.type === 'object') {
    return written.members.filter(({ key }) => key === 'resources').flatMap(({ value }) => namesIn(value));
  }
  return 'text' in written ? [written.text] : [];
}

/** Entries of these resources, each in the group that serves it. */
function rightSpelling(names: readonly string[]): string {
  const entries = new Map<string, string[]>();
  for (const name of names.length > 0 ? names : ['pods']) {
    const [resource = ''] = name.split('/');
    const [group = ''] = groupsOf(resource);
    entries.set(group, [...(entries.get(group) ?? []), name]);
  }
  const lines = [...entries].map(
    ([group, resources]) =>
      `  - group: "${group}"\n    resources: [${resources.map((name) => JSON.stringify(name)).join(', ')}]`,
  );
  return `Write\nresources:\n${lines.join('\n')}`;
}
