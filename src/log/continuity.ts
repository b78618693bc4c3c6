/**
 * Whether anything can be missing between two neighbours of the log, without any sequence number: a rotation happens
 * inside a write, so a segment's first event was made at the instant in the name of the file before it, 0 to 13 ms
 * earlier as measured, and never later.
 */
export interface Join {
  /** Time of the first event of the segment that is entered, ms; null where its first line is no event. */
  readonly firstMs: number | null;
  /** Instants of all rotations known, ascending. */
  readonly instants: readonly number[];
  /** Instant in the name of the segment before it, null where its name is not known. */
  readonly previousInstantMs: number | null;
  /** When the segment before it was last written to, by the file system; null where that cannot be known. */
  readonly previousWrittenMs: number | null;
  /** Time of the last event read before; null where nothing has been read yet. */
  readonly lastReadMs: number | null;
  /** Instant in the name of the segment that is entered, null while it is live. */
  readonly ownInstantMs: number | null;
  /** Whether the one was seen to take over from the other. */
  readonly chained: boolean;
  /** Whether the file before it, or no file, stood under the live name a moment before it did. */
  readonly watched: boolean;
}

export type Continuity = 'continuous' | 'unproven' | 'gap' | 'suspected-gap';

/** Names carry whole milliseconds, cut off. */
const NAME_PRECISION_MS = 1;
const USUAL_LEAD_MS = 50;

export function judge(join: Join): Continuity {
  const { firstMs, instants, previousInstantMs, previousWrittenMs, lastReadMs, ownInstantMs, chained, watched } = join;
  if (chained) return 'continuous';
  // Nothing is known to have been before it: neither a file, nor an event of one, nor that one was rotated.
  const isFirst = lastReadMs === null && previousInstantMs === null;
  if (isFirst && !instants.some((instant) => firstMs !== null && instant < firstMs - NAME_PRECISION_MS)) {
    return 'continuous';
  }
  if (firstMs === null) return 'unproven';
  // A rotation that fits is the one that made this segment, whatever a clock step did to the order of the names.
  const fits = (instant: number) => instant >= firstMs - NAME_PRECISION_MS && instant - firstMs <= USUAL_LEAD_MS;
  // One after its own rotation can have made it only where the clock was set back meanwhile.
  const isOrdered = ownInstantMs !== null && ownInstantMs >= firstMs - NAME_PRECISION_MS;
  const isEarlier = (instant: number) => (isOrdered ? instant < ownInstantMs : instant !== ownInstantMs);
  if (instants.some((instant) => isEarlier(instant) && fits(instant))) return 'continuous';
  if (previousInstantMs !== null) {
    if (firstMs > previousInstantMs + NAME_PRECISION_MS) return 'gap';
    const lead = previousInstantMs - firstMs;
    const life = shortestLife(instants, previousInstantMs);
    const believable = Number.isFinite(life) ? Math.max(USUAL_LEAD_MS, life / 2) : USUAL_LEAD_MS;
    return lead <= believable ? 'continuous' : 'unproven';
  }
  if (watched) return 'continuous';
  // The file before it was renamed and deleted while nobody looked: no name says when. Only where it ended as this one
  // began is there no room for another between them.
  const ownLife = ownInstantMs === null ? Number.POSITIVE_INFINITY : ownInstantMs - firstMs;
  const life = Math.min(ownLife, shortestLife(instants, ownInstantMs ?? instants.at(-1) ?? firstMs));
  const room = life > 0 ? Math.min(USUAL_LEAD_MS, life / 2) : USUAL_LEAD_MS;
  const ends = [previousWrittenMs, lastReadMs];
  return ends.some((endMs) => endMs !== null && Math.abs(firstMs - endMs) <= room) ? 'continuous' : 'suspected-gap';
}

/** Life of the shorter of the two segments on either side of a rotation. */
function shortestLife(instants: readonly number[], instantMs: number): number {
  const at = instants.indexOf(instantMs);
  if (at === -1) return Number.POSITIVE_INFINITY;
  const before = at > 0 ? instantMs - (instants[at - 1] as number) : Number.POSITIVE_INFINITY;
  const after = at + 1 < instants.length ? (instants[at + 1] as number) - instantMs : Number.POSITIVE_INFINITY;
  return Math.min(before, after);
}
