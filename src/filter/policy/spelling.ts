/** What people write who know RBAC rules, or the blog posts, better than the Policy. */
const SYNONYMS: Readonly<Record<string, string>> = {
  group: 'userGroups',
  usernames: 'users',
  serviceaccounts: 'users',
  urls: 'nonResourceURLs',
  paths: 'nonResourceURLs',
  stages: 'omitStages',
  apigroup: 'group',
  apigroups: 'group',
  names: 'resourceNames',
  auditlevel: 'level',
  loglevel: 'level',
};

/** The name among `candidates` that was probably meant, or `undefined`. */
export function meant(written: string, candidates: readonly string[]): string | undefined {
  const plain = normalised(written);
  const same = candidates.find((candidate) => normalised(candidate) === plain);
  if (same !== undefined) return same;
  const synonym = SYNONYMS[written.toLowerCase()];
  if (synonym !== undefined && candidates.includes(synonym)) return synonym;
  const near = candidates.filter((candidate) => distance(plain, normalised(candidate)) <= (plain.length < 6 ? 1 : 2));
  return near.length === 1 ? near[0] : undefined;
}

/** `userGroup`, `user_groups` and `usergroups` are one. */
function normalised(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[-_.\s]/g, '')
    .replace(/s$/, '');
}

/** How many letters must be put in, taken out or changed. */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2) return 3;
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (last[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1);
      row.push(Math.min(changed, (last[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    last = row;
  }
  return last[other.length] as number;
}
