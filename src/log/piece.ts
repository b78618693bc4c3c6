import type { Loss } from './loss.ts';
import type { Segment } from './segment.ts';

/** What a cursor gives out, in the order in which it reads. Bytes are valid until the next call. */
export type Piece =
  /** Complete lines; `torn` is a last line without its end, in a file that will not grow any more. */
  | {
      readonly kind: 'lines' | 'torn';
      readonly segment: Segment;
      readonly bytes: Buffer;
      readonly start: number;
      readonly end: number;
      readonly offset: number;
    }
  /** A line too long to be held, to be dealt with straight from disk. */
  | { readonly kind: 'oversize'; readonly segment: Segment; readonly offset: number; readonly end: number }
  /** NUL bytes where a line should begin: a hole that an outside truncation left. */
  | { readonly kind: 'nul'; readonly segment: Segment; readonly offset: number; readonly end: number }
  /** The segment has been given out to its end. */
  | { readonly kind: 'end'; readonly segment: Segment; readonly length: number }
  /** The bytes before the offset are no longer those that were read: reading goes on further back. */
  | { readonly kind: 'rewound'; readonly segment: Segment; readonly from: number; readonly to: number }
  /** Older segments wait until this one, and what comes after it, has been read. */
  | { readonly kind: 'put-off'; readonly segment: Segment; readonly waiting: readonly Segment[] }
  | { readonly kind: 'loss'; readonly segment: Segment | null; readonly loss: Loss }
  /** A join of two segments of which the timestamps prove nothing. */
  | { readonly kind: 'unproven'; readonly segment: Segment; readonly words: string };
