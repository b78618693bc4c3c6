import type { MarkedSplice } from '../filter/filter.ts';
import type { Counts } from '../state/checkpoint.ts';

/** Counts that grow while a batch is cut and settled. Bytes are those of lines, with their ends. */
export class Tally implements Counts {
  readEvents = 0;
  readBytes = 0;
  delivered = 0;
  deliveredBytes = 0;
  filtered: Record<string, number> = empty();
  filteredBytes = 0;
  filteredBytesBy: Record<string, number> = empty();
  redacted?: Record<string, number>;
  trimmed?: Record<string, number>;
  failedConditions = 0;
  deadLettered: Record<string, number> = empty();
  deadLetteredBytes = 0;
  lost: Record<string, number> = empty();
  lostBytes = 0;
  skippedBytes = 0;

  filter(rule: string, bytes: number): void {
    this.filtered[rule] = (this.filtered[rule] ?? 0) + 1;
    this.filteredBytes += bytes;
    this.filteredBytesBy[rule] = (this.filteredBytesBy[rule] ?? 0) + bytes;
  }

  deadLetter(reason: string, bytes: number): void {
    this.deadLettered[reason] = (this.deadLettered[reason] ?? 0) + 1;
    this.deadLetteredBytes += bytes;
  }

  /** What was cut out of an event that is let through. */
  edit(splices: readonly MarkedSplice[]): void {
    for (const { mark } of splices) {
      if (mark == null) continue;
      const counts = (this[mark.what] ??= empty());
      counts[mark.kind] = (counts[mark.kind] ?? 0) + 1;
    }
  }

  lose(reason: string, bytes: number): void {
    this.lost[reason] = (this.lost[reason] ?? 0) + 1;
    this.lostBytes += bytes;
  }
}

/** Reasons are a receiver's words in part: without a prototype, none of them is taken for something else. */
function empty(): Record<string, number> {
  return Object.create(null) as Record<string, number>;
}
