import type { Event, Malformed } from '../event/event.ts';
import type { Splice } from '../event/splice.ts';
import type { Filter } from '../filter/filter.ts';
import type { Runs } from '../filter/throttle/decisions.ts';
import type { EventReference } from '../log/loss.ts';
import type { Output } from '../output/output.ts';
import type { Batch, BatchBuilder, Range } from './batch.ts';
import type { Tally } from './tally.ts';

/** What the cutter needs of the event stage. */
export interface EventReader extends Event {
  /** Prepares for `most` bytes of the lines in `[start, end)`: they are read one after the other, and do not change meanwhile. */
  lookAhead(bytes: Buffer, start: number, end: number, most: number): void;
  /** Index of the newline of the line at `start`; -1 where that was not prepared for. */
  lineEnd(start: number): number;
  /** Lets go of the bytes that were read last. */
  release(): void;
  /** Null where the bytes are an event, else why they are none. */
  read(bytes: Buffer, start: number, end: number): Malformed | null;
  /** The same of what `applySplices` made of the event that was read last; it stands at `[0, end)`. */
  readEdited(bytes: Buffer, end: number, splices: readonly Splice[]): Malformed | null;
  reference(): EventReference;
}

/** Parts of a malformed line: torn bytes, and whole events that were glued behind them. They cover it without gaps. */
export type Salvage = (
  bytes: Buffer,
  start: number,
  end: number,
  ended: boolean,
) => readonly { start: number; end: number; kind: 'event' | 'torn' }[];

/** Something that is set aside before anything is sent. */
export interface SetAside {
  readonly reason: string;
  readonly words: string;
  readonly offset: number;
  readonly bytes: Buffer;
  /** False for a copy of an event that is delivered in a reduced form all the same. */
  readonly counts: boolean;
}

/** A batch with its account. */
export interface Sealed {
  readonly batch: Batch;
  readonly range: Range;
  readonly tally: Tally;
  readonly setAside: readonly SetAside[];
  /** When the first event of it was made, ms since the epoch; 0 where it holds none. */
  readonly firstMs: number;
  /** Where the batch's bytes are: given back with `recycle` when it is settled. */
  readonly builder: BatchBuilder;
  /** What judged it, and judges it the same way should it be cut again. */
  readonly filter: Filter;
  /** What its throttle said; empty where it has none. */
  readonly throttled: Runs;
}

/** How large a batch may become; may change between two of them. */
export interface CutLimits {
  readonly maxBytes: number;
  readonly maxEvents: number;
}

export interface CutterOptions {
  readonly source: string;
  readonly event: EventReader;
  readonly filter: Filter;
  readonly output: Output;
  readonly salvage: Salvage;
  readonly limits: CutLimits;
}

export const MALFORMED_WORDS: Readonly<Record<Malformed, string>> = {
  'not-json': 'the line is not valid JSON',
  'not-an-object': 'the line is not a JSON object',
  'no-timestamp': 'the object has neither stageTimestamp nor requestReceivedTimestamp, so it is no audit event',
};
