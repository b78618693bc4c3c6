import type { EventReference } from '../log/loss.ts';
import type { Range } from '../pipeline/batch.ts';

/** SHA-256 (16 hexadecimal digits) of the up to `MARK_BYTES` bytes that stand before `offset`. */
export interface Mark {
  readonly offset: number;
  readonly hash: string;
}

/** Events and bytes of lines by outcome. `read` is the sum of the others, or bytes are unaccounted for. */
export interface Counts {
  readonly readEvents: number;
  readonly readBytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  /** By name of the rule. */
  readonly filtered: Readonly<Record<string, number>>;
  readonly filteredBytes: number;
  /** By name of the rule; what was counted by a version before this one is missing. */
  readonly filteredBytesBy?: Readonly<Record<string, number>>;
  /** Values that were cut out of what was let through, by kind. */
  readonly redacted?: Readonly<Record<string, number>>;
  /** Members that were left out, by kind. */
  readonly trimmed?: Readonly<Record<string, number>>;
  /** How often a condition could not be worked out on an event, which was then not kept back by it. */
  readonly failedConditions?: number;
  /** By reason. */
  readonly deadLettered: Readonly<Record<string, number>>;
  readonly deadLetteredBytes: number;
  /** Events that the receiver refused for good and of which no copy is kept, by reason. */
  readonly lost: Readonly<Record<string, number>>;
  readonly lostBytes: number;
  /** Bytes that are no line of the trail: NULs of a truncated file, empty lines. */
  readonly skippedBytes: number;
}

/** What an output has done with one segment that is still there, or was when it was last seen. */
export interface SegmentRecord {
  readonly id: string;
  /** Last known file name: for people, and as a hint. */
  readonly name: string;
  /** Every byte before this offset is settled. */
  readonly settled: number;
  /** Whether it was settled to its end, and the ledger has its line. */
  readonly done: boolean;
  /** Ascending by offset; the last one stands at or before `settled`. */
  readonly marks: readonly Mark[];
  readonly counts: Counts;
  /** The filters (by their hash) that decided what became of its events, each from an offset on. */
  readonly filters?: readonly DecidedBy[];
}

/** From `from` on, a filter of this hash decided. */
export interface DecidedBy {
  readonly from: number;
  readonly filter: string;
}

/** A range behind the settled prefix that has been cut into a batch: to be sent again in the same cut after a crash. */
export interface WindowRange extends Range {
  readonly settled: boolean;
  /** Hash of the filter under which it was cut; where it is missing, that of the checkpoint. */
  readonly filter?: string;
  /** What the filter's throttle said of its events (`Runs`); missing where it has none. */
  readonly throttled?: readonly number[];
}

/**
 * All that one output has to remember about one source. It moves together: a checkpoint is read back whole or not at
 * all.
 */
export interface Checkpoint {
  readonly output: string;
  readonly destination: string;
  readonly source: string;
  /** Where the source reads from (the path), so that a changed one is noticed. */
  readonly origin: string;
  /** Hash of the filter under which the ranges in the window were cut. */
  readonly filter: string;
  readonly segments: readonly SegmentRecord[];
  readonly window: readonly WindowRange[];
  /** Instants (ms since the epoch) in the names of the newest backups settled to their end, ascending, 200 at most. */
  readonly rotations: readonly number[];
  /** Sums over all segments ever read. */
  readonly totals: Counts;
  /** The last event that was read: what a gap after it is told by. */
  readonly last?: EventReference;
  /** Number of loss records written so far. */
  readonly losses: number;
  /** When it was written, RFC 3339. */
  readonly writtenAt: string;
}
