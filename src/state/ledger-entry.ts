import type { Loss } from '../log/loss.ts';
import type { Counts, DecidedBy } from './checkpoint.ts';

/** A segment that was settled to its end, and what became of its events. */
export interface SegmentEntry {
  readonly type: 'segment';
  readonly source: string;
  readonly segment: string;
  readonly name: string;
  /** Settled length in bytes of the uncompressed content. */
  readonly bytes: number;
  readonly counts: Counts;
  /** Which version of the filter decided, from which offset on. */
  readonly filters?: readonly DecidedBy[];
  /** RFC 3339. */
  readonly settledAt: string;
}

/** A part of the trail that was lost to this output. */
export interface LossEntry extends Loss {
  readonly type: 'loss';
  readonly source: string;
  /** When it was noticed, RFC 3339. */
  readonly at: string;
}

export type LedgerEntry = SegmentEntry | LossEntry;

/** What makes two entries the same one, written twice because of a crash. */
export function ledgerKey(entry: LedgerEntry): string {
  if (entry.type === 'segment') return JSON.stringify(['segment', entry.source, entry.segment, entry.bytes]);
  const { source, reason, segment, name, from, after, before } = entry;
  const place = from ?? after ?? before ?? segment ?? name;
  // What can be told apart by nothing else is told apart by its time: better twice in the ledger than not at all.
  return JSON.stringify(['loss', source, reason, segment ?? '', place ?? entry.at]);
}
