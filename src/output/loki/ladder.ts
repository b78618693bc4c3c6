import { isObject, keyOf, type Member, membersOf } from '../../event/json-walk.ts';
import type { Reduced } from '../output.ts';

/** The annotation that says what was cut off; its value is the names of the fields, sorted, with commas. */
export const TRUNCATED_ANNOTATION = 'auditail.io/truncated';

export interface Shortened {
  readonly reduced: Reduced['reduced'];
  readonly bytes: Buffer;
}

interface Named extends Member {
  readonly key: string;
}

/** What to cut on each step; a step that names a field the event lacks cuts what there is of the others. */
const STEPS: readonly (readonly string[])[] = [['responseObject'], ['requestObject', 'responseObject']];

/**
 * Takes an event down the size ladder: without responseObject; then without requestObject too. The first step that
 * brings it to at most `maxBytes` is taken; `null` where none does. Every byte but the cut members and the added
 * annotation stays as it was. `bytes[start, end)` has to be one JSON object that has been found valid.
 */
export function shorten(bytes: Buffer, start: number, end: number, maxBytes: number): Shortened | null {
  const members = namedMembers(bytes, start);
  for (const step of STEPS) {
    const present = step.filter((name) => members.some((member) => member.key === name && !isNull(bytes, member)));
    if (present.length === 0) continue;
    const reduced = present.join(',') as Reduced['reduced'];
    const pieces = without(bytes, start, end, members, present, reduced);
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

function isNull(bytes: Buffer, member: Member): boolean {
  return bytes[member.value] === 0x6e;
}
