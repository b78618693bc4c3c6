import type { Splice } from '../filter.ts';
import { isSpace, type Member } from '../../event/json-walk.ts';

const NOTHING = Buffer.alloc(0);
const COMMA = 0x2c;

/**
 * Adds the splice that takes a member out of its object, with one comma: the one before it, or the one behind it while
 * nothing before it stays. Members of one object come in their order.
 */
export function cutMember(bytes: Buffer, member: Pick<Member, 'start' | 'end'>, splices: Splice[]): void {
  let before = member.start - 1;
  while (isSpace(bytes[before])) before -= 1;
  // A splice that ends with this comma took it with a member that came first.
  if (bytes[before] === COMMA && splices.at(-1)?.end !== before + 1) {
    splices.push({ start: before, end: member.end, with: NOTHING });
    return;
  }
  let after = member.end;
  while (isSpace(bytes[after])) after += 1;
  splices.push({ start: member.start, end: bytes[after] === COMMA ? after + 1 : member.end, with: NOTHING });
}
