/** How often a log that grows is looked at. */
export interface PaceFacts {
  /** The longest pause: what the outputs' delays ask for. */
  readonly activeMs: number;
  /** Instants of the rotations known, ascending. */
  readonly instants: readonly number[];
  /** How many backups the writer keeps, as far as that is known. */
  readonly backups: number;
}

/** More than this the loop of a busy process cannot keep. */
const SHORTEST_MS = 5;
/** A line as large as a file makes rotations come ten times as close as the rate of writing does, without notice. */
const LOOKS_PER_STAY = 64;
const RECENT_ROTATIONS = 20;

/**
 * The pause between two looks. A file that has been rotated and deleted between two of them was never there: so it is
 * short where files stay only for seconds. With the API server's default of 100 MB it is `activeMs`.
 */
export function pauseMs({ activeMs, instants, backups }: PaceFacts): number {
  const recent = instants.slice(-RECENT_ROTATIONS);
  let shortestLife = Number.POSITIVE_INFINITY;
  for (let at = 1; at < recent.length; at += 1) {
    shortestLife = Math.min(shortestLife, (recent[at] as number) - (recent[at - 1] as number));
  }
  const stay = shortestLife * (backups + 1);
  return Math.min(activeMs, Math.max(SHORTEST_MS, Math.floor(stay / LOOKS_PER_STAY)));
}
