import { LogNames } from '../log/file-name.ts';
import type { Checkpoint, SegmentRecord } from '../state/checkpoint.ts';

/** A checkpoint that has forgotten everything it settled: all that is still there is read, and sent, again. */
export function rewindToOldest(checkpoint: Checkpoint): Checkpoint {
  return keep(checkpoint, []);
}

/**
 * A checkpoint that has forgotten the files that may hold an event at or after an instant (ms since the epoch). The
 * name of a backup says when it was closed, so what closed before is kept; everything else is read again from its first
 * line. A file is the smallest step, so that the account of each file in the ledger stays whole.
 */
export function rewindTo(checkpoint: Checkpoint, instantMs: number): Checkpoint {
  const names = new LogNames(checkpoint.origin === '-' ? 'audit.log' : checkpoint.origin);
  const closedBefore = ({ name }: SegmentRecord): boolean => {
    const backup = names.parse(name);
    return backup !== null && backup.instantMs < instantMs;
  };
  return keep(checkpoint, checkpoint.segments.filter(closedBefore));
}

function keep(checkpoint: Checkpoint, segments: readonly SegmentRecord[]): Checkpoint {
  const kept = new Set(segments.map(({ id }) => id));
  // The last event read is what a gap behind it is told by: it is not the last one any more.
  const { last: _last, ...rest } = checkpoint;
  const window = checkpoint.window.filter(({ segment }) => kept.has(segment));
  return { ...rest, segments, window, writtenAt: new Date().toISOString() };
}
