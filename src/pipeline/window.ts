import type { Counts, Mark, SegmentRecord, WindowRange } from '../state/checkpoint.ts';
import { addCounts, NO_COUNTS } from '../state/counts.ts';
import type { Filter } from '../filter/filter.ts';
import type { Runs } from '../filter/throttle/decisions.ts';
import type { Range } from './batch.ts';
import type { Sealed } from './sealed.ts';

/** One range that has been cut, in the order of the log. */
export interface Cut {
  readonly range: Range;
  /** Last known name of the segment, for people. */
  readonly name: string;
  readonly mark: Mark | null;
  /** When its first event was made, ms since the epoch; 0 where that is not known. */
  readonly firstMs: number;
  /** What decided it; missing where an agent before this one cut it and it was not cut again. */
  readonly filter?: Filter;
  /** Hash of the filter that decided it. */
  readonly filterHash?: string;
  /** What the throttle of that filter said of its events. */
  readonly throttled?: Runs;
  settled: boolean;
}

/** How many marks are kept of a segment: close to its end, and ever further apart before that. */
const MAX_MARKS = 8;
/** Who changes a filter more often than so within one file has the newest of them on record. */
const MAX_FILTERS = 64;
/**
 * So many ranges may wait behind one that is not settled: the checkpoint lists them all, and what is sent again after a
 * crash is bounded by it.
 */
export const MAX_RANGES = 256;

/**
 * What has been cut and is not settled, in order, and what that leaves settled of each segment. Batches are settled in
 * any order; a segment is settled up to the end of the longest prefix of its ranges of which all are.
 */
export class Window {
  #cuts: Cut[] = [];
  readonly #records = new Map<string, SegmentRecord>();
  /** Ids by the first line that they are made of: a log of 10,000 files asks for each of them. */
  readonly #alike = new Map<string, Set<string>>();
  #totals: Counts;
  #list: readonly SegmentRecord[] | null = null;

  constructor(records: readonly SegmentRecord[], totals: Counts) {
    for (const record of records) this.#put(record);
    this.#totals = totals;
  }

  get records(): readonly SegmentRecord[] {
    this.#list ??= [...this.#records.values()];
    return this.#list;
  }

  get totals(): Counts {
    return this.#totals;
  }

  get cuts(): readonly Cut[] {
    return this.#cuts;
  }

  get ranges(): readonly WindowRange[] {
    return this.#cuts.map(({ range, settled, filterHash, throttled = [] }) => ({
      ...range,
      settled,
      ...(filterHash === undefined ? {} : { filter: filterHash }),
      ...(settled || throttled.length === 0 ? {} : { throttled }),
    }));
  }

  /** Bytes of the log that have been cut and are not settled. */
  get unsettledBytes(): number {
    return this.#cuts.reduce((sum, { range, settled }) => sum + (settled ? 0 : range.to - range.from), 0);
  }

  /** When the first event was made that has been cut and is not settled; 0 where there is none. */
  get oldestMs(): number {
    return this.#cuts.find(({ settled, firstMs }) => !settled && firstMs > 0)?.firstMs ?? 0;
  }

  record(id: string): SegmentRecord | undefined {
    return this.#records.get(id);
  }

  /** The record of this id, and those of other segments that begin with the same line (`<id>-2`, and so on). */
  alike(id: string): readonly SegmentRecord[] {
    const ids = this.#alike.get(firstLineOf(id)) ?? [];
    return [...ids]
      .filter((other) => other === id || other.startsWith(`${id}-`))
      .map((other) => this.#records.get(other) as SegmentRecord);
  }

  /** Whether all that was cut of a segment is settled. */
  isSettled(id: string): boolean {
    return !this.#cuts.some((cut) => cut.range.segment === id);
  }

  push(cut: Cut): void {
    this.#cuts.push(cut);
    this.#advance();
  }

  /** Puts others in the place of a cut, or nothing: it turned out not to be what is in the log. */
  replace(cut: Cut, others: readonly Cut[]): void {
    const at = this.#cuts.indexOf(cut);
    if (at === -1) throw new Error('the cut is not in the window');
    this.#cuts = this.#cuts.toSpliced(at, 1, ...others);
    this.#advance();
  }

  /** Settles a range with what became of its events. */
  settle(cut: Cut, counts: Counts): void {
    cut.settled = true;
    this.#totals = addCounts(this.#totals, counts);
    const record = this.#of(cut.range.segment, cut.name);
    this.#put({ ...record, counts: addCounts(record.counts, counts) });
    this.#advance();
  }

  /** Takes the name that a segment has got; whether that is news. */
  rename(id: string, name: string): boolean {
    const record = this.#records.get(id);
    if (record === undefined || record.name === name) return false;
    this.#put({ ...record, name });
    return true;
  }

  /** What stands before the offset is not taken: the segment counts as settled up to there. */
  begin(id: string, name: string, offset: number): void {
    this.#put({ ...this.#of(id, name), settled: offset });
  }

  /** The segment will be read later: should it be gone by then, it is known that it was there. */
  expect(id: string, name: string): void {
    if (!this.#records.has(id)) this.#put(this.#of(id, name));
  }

  /** Closes the account of a segment that is settled to its end. */
  finish(id: string, name: string, length: number): SegmentRecord {
    const finished = { ...this.#of(id, name), name, settled: length, done: true };
    this.#put(finished);
    return finished;
  }

  forget(id: string): void {
    if (!this.#records.delete(id)) return;
    const alike = this.#alike.get(firstLineOf(id));
    alike?.delete(id);
    if (alike?.size === 0) this.#alike.delete(firstLineOf(id));
    this.#list = null;
  }

  #advance(): void {
    let settled = 0;
    while (this.#cuts[settled]?.settled === true) {
      const { range, name, mark, filterHash } = this.#cuts[settled] as Cut;
      const record = this.#of(range.segment, name);
      const kept = record.marks.filter(({ offset }) => offset < range.to);
      const marks = mark === null ? kept : thin([...kept, mark]);
      const filters = decidedBy(record, range.from, filterHash);
      this.#put({
        ...record,
        settled: range.to,
        done: false,
        marks,
        ...(filters === undefined ? {} : { filters }),
      });
      settled += 1;
    }
    if (settled > 0) this.#cuts = this.#cuts.slice(settled);
  }

  #of(id: string, name: string): SegmentRecord {
    return this.#records.get(id) ?? { id, name, settled: 0, done: false, marks: [], counts: NO_COUNTS };
  }

  #put(record: SegmentRecord): void {
    if (!this.#records.has(record.id)) {
      const alike = this.#alike.get(firstLineOf(record.id));
      if (alike === undefined) this.#alike.set(firstLineOf(record.id), new Set([record.id]));
      else alike.add(record.id);
    }
    this.#records.set(record.id, record);
    this.#list = null;
  }
}

/** Which filters decided a segment, each with the offset from which on it did. */
function decidedBy({ filters }: SegmentRecord, from: number, hash: string | undefined): SegmentRecord['filters'] {
  if (hash === undefined || filters?.at(-1)?.filter === hash) return filters;
  return [...(filters ?? []).slice(1 - MAX_FILTERS), { from, filter: hash }];
}

/** An id without the number that tells segments of one first line apart. */
function firstLineOf(id: string): string {
  return id.split('-', 1)[0] as string;
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

/** The cut that a sealed batch is of. */
export function cutOf({ range, firstMs, filter, throttled }: Sealed, name: string, mark: Mark | null): Cut {
  return { range, name, mark, firstMs, filter, filterHash: filter.hash, throttled, settled: false };
}
