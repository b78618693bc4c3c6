import { keyOf, type Member, membersOf, valueEnd } from '../../event/json-walk.ts';
import type { Batch, Part } from '../../pipeline/batch.ts';
import type { Again, Rejection, SendResult } from '../output.ts';
import { UNMAPPED } from './ecs-event.ts';

/** The members of an event that clients fill as they like, each indexed as one field (see setup/mapping.ts). */
const MOVABLE = ['requestObject', 'responseObject', 'annotations', 'user.extra', 'impersonatedUser.extra'];
/** In `format: ecs` the event stands here. */
const UNDER = 'kubernetes.audit.';

/**
 * What servers say of such a field when a value or a key in it is longer than the 32,766 bytes of a term (OpenSearch's `flat_object` has
 * no `ignore_above`; Elasticsearch's bounds the values and not the keys), or nested deeper than `depth_limit`. Elasticsearch gives the
 * reason in a `caused_by`, and says here only that the field could not be parsed.
 */
const UNFIT =
  /immense term in field="([^"]+)"|failed to parse field \[([^\]]+)\] of type \[(?:flattened|flat_object)\]|[Ff]lattened field \[([^\]]+)\]/;

type SendItems = (body: Buffer, part: Part) => Promise<SendResult>;

/**
 * Sends items once more of which a server said that it cannot index one of these members: under the member's name with `Unmapped`
 * behind it, where a mapping with `dynamic: false` keeps it and does not index it, and with `auditail.unindexed` naming it. A client
 * could otherwise keep an event out of the store by what it puts into a body.
 */
export async function sendUnindexed(result: SendResult, part: Part, send: SendItems): Promise<SendResult> {
  const { batch } = part;
  const moved = new Map<number, string[]>();
  const again: Again[] = [...result.again];
  let { rejected, duplicates } = result;
  for (let round = 0; round < MOVABLE.length; round += 1) {
    const documents = new Map<number, Buffer>();
    for (const rejection of rejected) {
      const { item } = rejection;
      const names = namesToMove(rejection, moved.get(item) ?? []);
      const document = names === undefined ? undefined : withUnindexed(batch, item, names);
      if (names === undefined || document === undefined) continue;
      moved.set(item, names);
      documents.set(item, document);
    }
    if (documents.size === 0) break;
    const items = [...documents.keys()].sort((a, b) => a - b);
    const next = await send(Buffer.concat(items.map((item) => documents.get(item) as Buffer)), { batch, items });
    rejected = [...rejected.filter(({ item }) => !documents.has(item)), ...next.rejected];
    again.push(...next.again);
    duplicates += next.duplicates;
  }
  return { rejected, again, duplicates };
}

/** The members that have to be moved, with those that were already; undefined where the refusal is not about one. */
function namesToMove({ status, words }: Rejection, before: readonly string[]): string[] | undefined {
  const match = status === 400 ? UNFIT.exec(words) : null;
  const field = match?.[1] ?? match?.[2] ?? match?.[3];
  if (field === undefined) return undefined;
  const path = field.startsWith(UNDER) ? field.slice(UNDER.length) : field;
  const name = MOVABLE.find((movable) => path === movable || path.startsWith(`${movable}.`));
  return name === undefined || before.includes(name) ? undefined : [...before, name];
}

/** Both lines of an item with these members moved; undefined where one is not in it. */
export function withUnindexed(batch: Batch, item: number, names: readonly string[]): Buffer | undefined {
  const bytes = batch.bytes.subarray(batch.itemStart(item), batch.itemEnd(item));
  const document = bytes.indexOf(0x0a) + 1;
  const event = eventIn(bytes, document);
  const keyEnds: number[] = [];
  for (const name of names) {
    const member = memberAt(bytes, event, name.split('.'));
    if (member === undefined) return undefined;
    keyEnds.push(member.keyEnd);
  }
  const [at, mark] = markFor(bytes, document, names);
  const pieces = [bytes.subarray(0, at), Buffer.from(mark)];
  let from = at;
  for (const keyEnd of keyEnds.sort((a, b) => a - b)) {
    pieces.push(bytes.subarray(from, keyEnd), UNMAPPED);
    from = keyEnd;
  }
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
}

/** Where the mark goes, and as what: into the `auditail` that is the first member, or as one of its own. */
function markFor(bytes: Buffer, document: number, names: readonly string[]): [number, string] {
  const list = `"unindexed":${JSON.stringify(names)}`;
  const first = memberAt(bytes, document, ['auditail']);
  if (first?.start !== document + 1) return [document + 1, `"auditail":{${list}},`];
  const isEmpty = valueEnd(bytes, first.value) === first.value + 2;
  return [first.value + 1, isEmpty ? list : `${list},`];
}

/** Where the object begins that is the event, or that it was made part of. */
function eventIn(bytes: Buffer, document: number): number {
  return memberAt(bytes, document, ['kubernetes', 'audit'])?.value ?? document;
}

function memberAt(bytes: Buffer, object: number, path: readonly string[]): Member | undefined {
  let start = object;
  let found: Member | undefined;
  for (const name of path) {
    if (bytes[start] !== OPEN_OBJECT) return undefined;
    found = undefined;
    for (const member of membersOf(bytes, start)) if (keyOf(bytes, member) === name) found = member;
    if (found === undefined) return undefined;
    start = found.value;
  }
  return found;
}

const OPEN_OBJECT = 0x7b;
