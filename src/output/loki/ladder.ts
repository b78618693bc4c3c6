import { isObject, keyOf, type Member, membersOf } from '../../event/json-walk.ts';

/** The annotation that says what was cut off; its value is the names of the fields, sorted, with commas. */
export const TRUNCATED_ANNOTATION = 'auditail.io/truncated';

export interface Shortened {
  readonly reduced: string;
  readonly bytes: Buffer;
}

/** How null begins. */
const NULL = 0x6e;

interface Named extends Member {
  readonly key: string;
}

const BODIES: readonly string[] = ['requestObject', 'responseObject'];
/** What else a client can make long: a path, a user agent, a list of proxies, a body that the server quotes as it refuses it. */
const OTHERS: readonly string[] = [
  'impersonatedUser',
  'objectRef',
  'requestURI',
  'responseStatus',
  'sourceIPs',
  'user',
  'userAgent',
];
/** Of those, what takes more than this part of the room is cut. */
const LARGE_PART = 16;

/**
 * Takes an event down the size ladder: without responseObject; then without requestObject too; then without whatever else is
 * large, so that nobody keeps an event out of sight by making it long. The first step that brings it to at most
 * `maxBytes` is taken; `null` where none does. Every byte but the cut members and the added annotation stays as it was.
 * `bytes[start, end)` has to be one JSON object that has been found valid.
 */
export function shorten(bytes: Buffer, start: number, end: number, maxBytes: number): Shortened | null {
  const members = namedMembers(bytes, start).map((member) => ({ ...member, length: member.end - member.value }));
  const there = (name: string): boolean => members.some(({ key, value }) => key === name && bytes[value] !== NULL);
  const large = (name: string): boolean =>
    members.some(({ key, length }) => key === name && length * LARGE_PART > maxBytes);
  const bodies = BODIES.filter(there);
  const steps = [
    bodies.filter((name) => name === 'responseObject'),
    bodies,
    [...bodies, ...OTHERS.filter(large)].sort(),
  ];
  for (const names of steps) {
    if (names.length === 0) continue;
    const reduced = names.join(',');
    const pieces = without(bytes, start, end, members, names, reduced);
    if (pieces.reduce((sum, piece) => sum + piece.length, 0) <= maxBytes) {
      return { reduced, bytes: Buffer.concat(pieces) };
    }
  }
  return null;
}

/** The pieces of the event that remain, and the annotation where it belongs. Nothing is copied yet. */
function without(
  bytes: Buffer,
  start: number,
  end: number,
  members: readonly Named[],
  names: readonly string[],
  reduced: string,
): Buffer[] {
  const entry = `"${TRUNCATED_ANNOTATION}":"${reduced}"`;
  const annotations = members.findLast((member) => member.key === 'annotations');
  const pieces: Buffer[] = [];
  let from = start;
  let kept = false;
  for (const [index, member] of members.entries()) {
    if (names.includes(member.key)) {
      const before = members[index - 1];
      const after = members[index + 1];
      pieces.push(bytes.subarray(from, kept && before !== undefined ? before.end : member.start));
      from = kept ? member.end : (after?.start ?? member.end);
      continue;
    }
    kept = true;
    if (member !== annotations) continue;
    if (isObject(bytes, member.value)) {
      const empty = membersOf(bytes, member.value).next().done === true;
      pieces.push(bytes.subarray(from, member.end - 1), Buffer.from(empty ? entry : `,${entry}`));
      from = member.end - 1;
    } else {
      pieces.push(bytes.subarray(from, member.value), Buffer.from(`{${entry}}`));
      from = member.end;
    }
  }
  pieces.push(bytes.subarray(from, end - 1));
  if (annotations === undefined) pieces.push(Buffer.from(`${kept ? ',' : ''}"annotations":{${entry}}`));
  pieces.push(bytes.subarray(end - 1, end));
  return pieces;
}

/**
 * The members of the object that starts at `start`, in order. A key that stands twice is there twice: the field spans
 * of an event know only the one that counts, and cutting that one would bring the other to light.
 */
function namedMembers(bytes: Buffer, start: number): Named[] {
  return Array.from(membersOf(bytes, start), (member) => ({ ...member, key: keyOf(bytes, member) }));
}
