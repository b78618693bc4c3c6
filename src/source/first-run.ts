import type { FileSourceConfig } from '../config/schema.ts';
import type { Segment } from '../log/segment.ts';

export type StartAt = FileSourceConfig['startAt'];

/** Where a first run begins in each segment that it does not take from its beginning. */
export interface Beginning {
  readonly segment: Segment;
  /** Offset in bytes; infinite where the whole of it is left out and its length is not known. */
  readonly from: number;
}

const NEWLINE = 10;
const STEP = 64 * 1024;

/** What `startAt` leaves out. */
export async function firstRun(
  startAt: StartAt,
  segments: readonly Segment[],
  nowMs: number,
): Promise<readonly Beginning[]> {
  if (startAt === 'oldest') return [];
  const beginnings: Beginning[] = [];
  for (const segment of segments) {
    if (startAt === 'newest') {
      beginnings.push({ segment, from: segment.closed ? wholeOf(segment) : await lastLineStart(segment) });
    } else if (segment.instantMs !== null && segment.instantMs < nowMs - startAt) {
      beginnings.push({ segment, from: wholeOf(segment) });
    }
  }
  return beginnings;
}

function wholeOf(segment: Segment): number {
  return segment.size > 0 ? segment.size : Number.POSITIVE_INFINITY;
}

/** Offset behind the last line end: a line that is being written belongs to what is taken. */
async function lastLineStart(segment: Segment): Promise<number> {
  const lease = await segment.lease();
  try {
    const step = Buffer.allocUnsafe(STEP);
    for (let end = segment.size; end > 0; ) {
      const start = Math.max(0, end - STEP);
      const count = await lease.content.read(start, step, 0, end - start);
      const newline = step.subarray(0, count).lastIndexOf(NEWLINE);
      if (newline !== -1) return start + newline + 1;
      end = start;
    }
    return 0;
  } finally {
    await lease.release();
  }
}
