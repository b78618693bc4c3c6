import type { Log } from './log.ts';
import type { MissedBackup } from './missed-names.ts';
import type { Piece } from './piece.ts';
import type { Segment } from './segment.ts';

/** The first event of a file is made a few milliseconds before the instant in the name of the file before it. */
const LEAD_MS = 50;

/**
 * Tells one reader of backups that were gone before they could be opened. Such a file leaves a gap between those before
 * and behind it: one loss, and so one record, of the gap where that is seen.
 */
export class MissedReport {
  readonly #log: Pick<Log, 'missed'>;
  readonly #known: (name: string) => boolean;
  readonly #waiting: MissedBackup[] = [];
  #taken = 0;

  /** `known`: whether an earlier run has read something of a backup of this name. Then it is not new to this reader. */
  constructor(log: Pick<Log, 'missed'>, known: (name: string) => boolean) {
    this.#log = log;
    this.#known = known;
  }

  /** Whether there is anything that has not been told. */
  get due(): boolean {
    return this.#waiting.length > 0 || this.#taken < this.#log.missed.length;
  }

  /** Those that no gap will tell of: the reader stands in a file behind them, or has (`null`) nothing more to read. */
  behind(segment: Segment | null): Piece[] {
    if (!this.due) return [];
    return this.#take(segment).map(pieceOf);
  }

  /** At the beginning of a segment: what is to be said of the join, and of those that went before it. */
  atJoin(segment: Segment, pieces: readonly Piece[]): Piece[] {
    const missed = this.#take(segment);
    const gap = pieces.find((piece) => piece.kind === 'loss' && piece.loss.reason === 'gap');
    if (missed.length === 0 || gap?.kind !== 'loss') return [...missed.map(pieceOf), ...pieces];
    const certain = gap.loss.proof === 'certain' || missed.some(({ proof }) => proof === 'certain');
    const words = `${gap.loss.words}; ${missed.map(wordsOf).join('; ')}`;
    const loss = { ...gap.loss, proof: certain ? 'certain' : 'suspected', words } as const;
    return pieces.map((piece) => (piece === gap ? { ...gap, loss } : piece));
  }

  #take(segment: Segment | null): MissedBackup[] {
    const { missed } = this.#log;
    // Read to its end, it is no loss; and of what was left half read the checkpoint tells.
    this.#waiting.push(...missed.slice(this.#taken).filter(({ name }) => !this.#known(name)));
    this.#taken = missed.length;
    const taken = this.#waiting.filter(({ instantMs }) => segment === null || instantMs < endOf(segment));
    for (const one of taken) this.#waiting.splice(this.#waiting.indexOf(one), 1);
    return taken;
  }
}

/** Backups that ended before this stand before the segment in the log. */
function endOf({ closed, instantMs, first }: Segment): number {
  if (!closed) return Number.POSITIVE_INFINITY;
  return instantMs ?? (first === null ? Number.POSITIVE_INFINITY : Date.parse(first.time) + LEAD_MS);
}

function pieceOf(missed: MissedBackup): Piece {
  const { name, proof } = missed;
  return { kind: 'loss', segment: null, loss: { reason: 'deleted', proof, name, words: wordsOf(missed) } };
}

function wordsOf({ name }: MissedBackup): string {
  return `${name} was there and gone before it could be opened`;
}
