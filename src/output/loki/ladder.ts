import type { Reduced } from '../output.ts';

/** The annotation that says what was cut off; its value is the names of the fields, sorted, with commas. */
export const TRUNCATED_ANNOTATION = 'auditail.io/truncated';

export interface Shortened {
  readonly reduced: Reduced['reduced'];
  readonly bytes: Buffer;
}

/** A member of a JSON object: from the quote of its key to the end of its value. */
interface Member {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** What to cut on each step; a step that names a field the event lacks cuts what there is of the others. */
const STEPS: readonly (readonly string[])[] = [['responseObject'], ['requestObject', 'responseObject']];

/**
 * Takes an event down the size ladder: without responseObject; then without requestObject too. The first step that
 * brings it to at most `maxBytes` is taken; `null` where none does. Every byte but the cut members and the added
 * annotation stays as it was. `bytes[start, end)` has to be one JSON object that has been found valid.
 */
export function shorten(bytes: Buffer, start: number, end: number, maxBytes: number): Shortened | null {
  const members = membersOf(bytes, start);
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
  members: readonly Member[],
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
    if (bytes[member.valueStart] === 0x7b) {
      const empty = membersOf(bytes, member.valueStart).length === 0;
      pieces.push(bytes.subarray(from, member.end - 1), Buffer.from(empty ? entry : `,${entry}`));
      from = member.end - 1;
    } else {
      pieces.push(bytes.subarray(from, member.valueStart), Buffer.from(`{${entry}}`));
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
function membersOf(bytes: Buffer, start: number): Member[] {
  const members: Member[] = [];
  let at = start + 1;
  for (;;) {
    at = skipSpace(bytes, at);
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1);
    if (bytes[at] !== 0x22) return members;
    const keyEnd = skipString(bytes, at);
    const valueStart = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
    const end = skipValue(bytes, valueStart);
    members.push({ key: keyText(bytes, at, keyEnd), start: at, valueStart, end });
    at = end;
  }
}

function keyText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end);
  return text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1);
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at += 1;
  return at;
}

function skipString(bytes: Buffer, start: number): number {
  for (let at = start + 1; ; at += 1) {
    const byte = bytes[at];
    if (byte === 0x5c) at += 1;
    else if (byte === 0x22 || byte === undefined) return at + 1;
  }
}

function skipValue(bytes: Buffer, start: number): number {
  const first = bytes[start];
  if (first === 0x22) return skipString(bytes, start);
  let at = start;
  if (first !== 0x7b && first !== 0x5b) {
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === 0x2c || byte === 0x7d || byte === 0x5d || byte <= 0x20) break;
    }
    return at;
  }
  for (let depth = 0; at < bytes.length; ) {
    const byte = bytes[at];
    if (byte === 0x22) {
      at = skipString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) break;
  }
  return at;
}

function isNull(bytes: Buffer, member: Member): boolean {
  return bytes[member.valueStart] === 0x6e;
}
