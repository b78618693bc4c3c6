import { judge } from '../log/continuity.ts';
import type { Piece } from '../log/cursor.ts';
import type { Log } from '../log/log.ts';
import type { EventReference, Loss } from '../log/loss.ts';
import type { Segment } from '../log/segment.ts';

/**
 * Judges the join with the segment before, when a segment is entered at its beginning: what is to be said before its
 * first line. `last` is the last event that was read before, in the segment before it or (`isNext` false) elsewhere;
 * `rotations` are those that this output knows of from earlier runs, ascending.
 */
export function piecesAtJoin(
  log: Log,
  { last, isNext }: { readonly last: EventReference | undefined; readonly isNext: boolean },
  rotations: readonly number[],
  segment: Segment,
): Piece[] {
  if (log.isSpool) return [];
  const previous = log.previousOf(segment);
  const first = segment.first;
  const continuity = judge({
    firstMs: first === null ? null : Date.parse(first.time),
    instants: [...new Set([...rotations, ...log.instants])].sort((a, b) => a - b),
    previousInstantMs: previous?.instantMs ?? null,
    previousWrittenMs: previous?.writtenMs ?? null,
    lastReadMs: last === undefined ? null : Date.parse(last.time),
    ownInstantMs: segment.instantMs,
    chained: segment.chained,
    watched: segment.watched,
  });
  if (continuity === 'continuous') return [];
  const between = `between ${previous?.name ?? 'what was read before'} and ${segment.name}`;
  if (continuity === 'unproven') return [{ kind: 'unproven', segment, words: between }];
  const words =
    continuity === 'gap'
      ? `events are missing ${between}: the file begins later than the one before it ended`
      : `events may be missing ${between}: nothing proves that no other file came and went between them`;
  const loss: Loss = {
    reason: 'gap',
    proof: continuity === 'gap' ? 'certain' : 'suspected',
    ...(last === undefined || !isNext ? {} : { after: last }),
    ...(first === null ? {} : { before: first }),
    words,
  };
  return [{ kind: 'loss', segment, loss }];
}
