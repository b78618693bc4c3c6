import { Cursor, type Piece } from '../log/cursor.ts';
import type { Log } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { Runs } from '../filter/throttle/decisions.ts';
import type { Mark } from '../state/checkpoint.ts';
import type { Range } from './batch.ts';
import type { Cutter } from './cutter.ts';
import type { Sealed } from './sealed.ts';

export interface RecutOptions {
  readonly log: Log;
  readonly segment: Segment;
  readonly range: Range;
  /** What is known of the bytes before the range. */
  readonly marks: readonly Mark[];
  readonly maxLineBytes: number;
  readonly cutter: Cutter;
  /** A line that is too long to be held has to be set aside (it was before, as a rule). */
  readonly oversize: (piece: Extract<Piece, { kind: 'oversize' }>) => Promise<void>;
  /** As `CursorOptions.large`. */
  readonly large: { readonly largeBytes: number; room(): Promise<void> };
  /** What the throttle said of it when it was cut before; null where it is to be asked. */
  readonly throttled: Runs | null;
  readonly signal: AbortSignal;
}

export interface Recut {
  /** The range as it was, or in several parts where the limits of a batch are lower now. */
  readonly batches: readonly { readonly sealed: Sealed; readonly mark: Mark | null }[];
  /** Where the bytes stop being those of the range: its end, or the place from which the log has to be read anew. */
  readonly reached: number;
}

/** A compressed file that still grows, or that is being put in place of the plain one. */
const WAIT_MS = 500;
const WAITS = 20;

/** Reads a range of the log once more and cuts it as it was cut before. Throws what reading the log throws. */
export async function recut(options: RecutOptions): Promise<Recut> {
  const { log, segment, range, marks, maxLineBytes, cutter, signal } = options;
  const places = new Map([[segment.id, { offset: range.from, done: false, marks }]]);
  const cursor = new Cursor(log, places, { maxLineBytes, enter: () => [], large: options.large });
  const batches: { sealed: Sealed; mark: Mark | null }[] = [];
  let mark: Mark | null = null;
  const seal = () => {
    if (cutter.open) batches.push({ sealed: cutter.seal(segment.id), mark });
    mark = null;
  };
  const giveUp = (reached: number): Recut => {
    seal();
    for (const { sealed } of batches) cutter.recycle(sealed);
    return { batches: [], reached };
  };
  try {
    await cursor.seek(segment, range.from);
    cutter.begin(range.from, options.throttled);
    for (let waits = 0; cutter.to < range.to; ) {
      signal.throwIfAborted();
      const piece = await cursor.next();
      if (piece === null) {
        if (segment.places.plain !== null || segment.places.pin !== null || waits === WAITS) break;
        waits += 1;
        await log.pulse.wait(WAIT_MS, signal);
      } else if (piece.kind === 'loss' && piece.segment === null) {
        // What is told of the log as a whole is the reading pipeline's to record.
      } else if (piece.segment !== segment || piece.kind === 'end' || piece.kind === 'loss') break;
      else if (piece.kind === 'rewound') return giveUp(Math.min(piece.to, range.from));
      else if (piece.kind === 'nul') cutter.skip(Math.min(piece.end, range.to) - piece.offset);
      else if (piece.kind === 'oversize') {
        if (piece.end > range.to) break;
        await options.oversize(piece);
        cutter.setAsideElsewhere('oversize', piece.end - piece.offset);
      } else if (piece.kind === 'lines' || piece.kind === 'torn') {
        for (let at = piece.start; at < piece.end; ) {
          const offset = piece.offset + at - piece.start;
          if (offset >= range.to) break;
          at = cutter.cut(piece.bytes, at, piece.end, offset, range.to);
          mark = cursor.markAt(piece.bytes, at, cutter.to);
          if (at < piece.end && cutter.to < range.to) seal();
        }
      }
    }
    const reached = cutter.to;
    seal();
    return { batches, reached };
  } catch (error) {
    giveUp(0);
    throw error;
  } finally {
    await cursor.pause();
  }
}
