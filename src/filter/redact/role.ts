/** What a key says of the value under it. Positions are those between the quotes. */
export type Role =
  | 'none'
  | 'data' // data and stringData, of a Secret or of what else has them
  | 'kind'
  | 'token'
  | 'last-applied' // an annotation in which a tool keeps a copy of the object
  | 'message' // of a Status
  | 'release' // where Helm keeps a release
  | 'op'
  | 'path'
  | 'value'; // of an operation of a JSON patch

const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ['data', 'data'],
  // The API server takes keys as they are written. Who writes them otherwise is given no way around it.
  ['stringdata', 'data'],
  ['kind', 'kind'],
  ['token', 'token'],
  ['message', 'message'],
  ['release', 'release'],
  ['op', 'op'],
  ['path', 'path'],
  ['value', 'value'],
]);

/** Of the keys without a slash, which those of annotations have. */
const LONGEST = Math.max(...[...ROLES.keys()].map((key) => key.length));

/** kubectl, Rancher, and who else puts a copy of what was applied into an annotation. */
const LAST_APPLIED = /last-?applied|\/applied$/i;

const SLASH = 0x2f;
const BACKSLASH = 0x5c;

/** The role of a key in JSON. */
export function roleOf(bytes: Buffer, start: number, end: number): Role {
  const length = end - start;
  if (length < 2) return 'none';
  let isSpecial = false;
  for (let at = start; at < end && !isSpecial; at += 1) {
    const byte = bytes[at] as number;
    isSpecial = byte === SLASH || byte === BACKSLASH;
  }
  if (!isSpecial && length > LONGEST && length < 12) return 'none';
  const text = bytes.toString('latin1', start, end);
  return roleOfName(text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text);
}

export function roleOfName(name: string): Role {
  return ROLES.get(name.toLowerCase()) ?? (LAST_APPLIED.test(name) ? 'last-applied' : 'none');
}

/**
 * What a JSON patch writes to at a JSON pointer (RFC 6901): `data` where that is all the data, `member` where it is one
 * value of it.
 */
export function pointed(pointer: string): 'none' | 'data' | 'member' | 'last-applied' {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const roles = steps.map(roleOfName);
  const data = roles.indexOf('data');
  if (data !== -1) return data === steps.length - 1 ? 'data' : 'member';
  return roles.at(-1) === 'last-applied' ? 'last-applied' : 'none';
}
