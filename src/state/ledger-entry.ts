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

/** A receiver of alerts was told of one; or what it was to be told is set aside. */
export interface NotificationEntry {
  readonly type: 'notification';
  readonly source: string;
  readonly receiver: string;
  /** 32 hexadecimal digits: the same whenever it is sent again. */
  readonly id: string;
  readonly rule: string;
  readonly severity: string;
  readonly status: 'firing' | 'resolved';
  /** Matches since the alert began. */
  readonly count: number;
  /** Why it was set aside; missing where the receiver was told. */
  readonly setAside?: string;
  /** RFC 3339. */
  readonly at: string;
}

export type LedgerEntry = SegmentEntry | LossEntry | NotificationEntry;

/** What makes two entries the same one, written twice because of a crash. */
export function ledgerKey(entry: LedgerEntry): string {
  if (entry.type === 'segment') return JSON.stringify(['segment', entry.source, entry.segment, entry.bytes]);
  if (entry.type === 'notification') return JSON.stringify(['notification', entry.source, entry.receiver, entry.id]);
  const { source, reason, segment, name, from, after, before } = entry;
  const place = from ?? after ?? before ?? segment ?? name;
  // What can be told apart by nothing else is told apart by its time: better twice in the ledger than not at all.
  return JSON.stringify(['loss', source, reason, segment ?? '', place ?? entry.at]);
}
