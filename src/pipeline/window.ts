import type { Counts, Mark, SegmentRecord, WindowRange } from '../state/checkpoint.ts';
import { addCounts, NO_COUNTS } from '../state/counts.ts';
import type { Range } from './batch.ts';

/** One range that has been cut, in the order of the log. */
export interface Cut {
  readonly range: Range;
  /** Last known name of the segment, for people. */
  readonly name: string;
  readonly mark: Mark | null;
  settled: boolean;
}

/** How many marks are kept of a segment: close to its end, and ever further apart before that. */
const MAX_MARKS = 8;

/**
 * What has been cut and is not settled, in order, and what that leaves settled of each segment. Batches are settled in
 * any order; a segment is settled up to the end of the longest prefix of its ranges of which all are.
 */
export class Window {
  readonly #cuts: Cut[] = [];
  readonly #records = new Map<string, SegmentRecord>();
  #totals: Counts;
  #list: readonly SegmentRecord[] | null = null;

  constructor(records: readonly SegmentRecord[], totals: Counts) {
    for (const record of records) this.#records.set(record.id, record);
    this.#totals = totals;
  }

  get records(): readonly SegmentRecord[] {
    this.#list ??= [...this.#records.values()];
    return this.#list;
  }

  get totals(): Counts {
    return this.#totals;
  }

  get ranges(): readonly WindowRange[] {
    return this.#cuts.map(({ range, settled }) => ({ ...range, settled }));
  }

  get unsettled(): number {
    return this.#cuts.reduce((sum, cut) => sum + (cut.settled ? 0 : 1), 0);
  }

  record(id: string): SegmentRecord | undefined {
    return this.#records.get(id);
  }

  /** Whether all that was cut of a segment is settled. */
  isSettled(id: string): boolean {
    return !this.#cuts.some((cut) => cut.range.segment === id);
  }

  push(cut: Cut): void {
    this.#cuts.push(cut);
  }

  /** Settles a range with what became of its events. */
  settle(cut: Cut, counts: Counts): void {
    cut.settled = true;
    this.#totals = addCounts(this.#totals, counts);
    const record = this.#of(cut);
    this.#put({ ...record, counts: addCounts(record.counts, counts) });
    while (this.#cuts[0]?.settled === true) this.#advance(this.#cuts.shift() as Cut);
  }

  /** Closes the account of a segment that is settled to its end. */
  finish(id: string, name: string, length: number): SegmentRecord {
    const record = this.#records.get(id) ?? newRecord(id, name);
    const finished = { ...record, name, settled: length, done: true };
    this.#put(finished);
    return finished;
  }

  forget(id: string): void {
    if (this.#records.delete(id)) this.#list = null;
  }

  #advance(cut: Cut): void {
    const record = this.#of(cut);
    const kept = record.marks.filter((mark) => mark.offset < cut.range.to);
    const marks = cut.mark === null ? kept : thin([...kept, cut.mark]);
    this.#put({ ...record, name: cut.name, settled: cut.range.to, done: false, marks });
  }

  #of(cut: Cut): SegmentRecord {
    return this.#records.get(cut.range.segment) ?? newRecord(cut.range.segment, cut.name);
  }

  #put(record: SegmentRecord): void {
    this.#records.set(record.id, record);
    this.#list = null;
  }
}

function newRecord(id: string, name: string): SegmentRecord {
  return { id, name, settled: 0, done: false, marks: [], counts: NO_COUNTS };
}

/** Drops the mark that is missed least: the one with the closest neighbours for its distance from the end. */
function thin(marks: readonly Mark[]): readonly Mark[] {
  if (marks.length <= MAX_MARKS) return marks;
  const end = (marks[marks.length - 1] as Mark).offset;
  let drop = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 1; at < marks.length - 1; at += 1) {
    const around = (marks[at + 1] as Mark).offset - (marks[at - 1] as Mark).offset;
    const missed = around / (end - (marks[at] as Mark).offset + 1);
    if (missed < least) {
      least = missed;
      drop = at;
    }
  }
  return marks.toSpliced(drop, 1);
}
