import { basename } from 'node:path';
import type { LogNames } from '../../log/file-name.ts';
import type { Checkpoint, Counts } from '../../state/checkpoint.ts';
import { total } from '../../state/counts.ts';
import type { LedgerEntry, LossEntry, SegmentEntry } from '../../state/ledger-entry.ts';
import type { FileCount, Window } from './log-count.ts';
import type { Range } from './range.ts';
import { exactly, NOTHING, plus } from './range.ts';

/** What an output's own books say of one source. */
export interface Books {
  readonly output: string;
  /** Entries of this source, oldest first. */
  readonly ledger: readonly LedgerEntry[];
  readonly checkpoint: Checkpoint | null;
}

/** A file of which the log and the books of an output do not say the same. */
export interface Difference {
  readonly file: string;
  readonly words: string;
}

/** What became of the events of a window, as the books of one output say. */
export interface Account {
  readonly output: string;
  /** Events of the log in the window: counted in the files that are there, from the ledger where they are gone. */
  readonly written: Range;
  readonly delivered: Range;
  readonly differences: readonly Difference[];
  /** Lines in the window that the output has not settled yet. */
  readonly unsettled: readonly Difference[];
  readonly losses: readonly LossEntry[];
}

/** Settles the account of one output over a window: file by file where they are there, by the ledger where not. */
export function settleAccount(books: Books, files: readonly FileCount[], names: LogNames, window: Window): Account {
  const known = settledSegments(books);
  const account = { written: NOTHING, delivered: NOTHING };
  const differences: Difference[] = [];
  const unsettled: Difference[] = [];
  const present = new Set<string>();
  const left = new Set(
    books.ledger.flatMap((entry) =>
      entry.type === 'loss' && entry.reason === 'not-taken' ? [entry.segment ?? ''] : [],
    ),
  );
  for (const file of files) {
    const name = basename(file.file);
    if (file.segment !== null) present.add(file.segment);
    account.written = plus(account.written, { least: file.inWindow, most: file.inWindow + asidesOf(file) });
    const own = file.segment === null ? undefined : known.get(file.segment);
    if (own?.done === true) {
      if (own.counts.readEvents !== file.lines) {
        const words = `the file holds ${file.lines} events, ${books.output} read ${own.counts.readEvents}`;
        differences.push({ file: name, words });
      }
      account.delivered = plus(account.delivered, deliveredOf(file, own.counts, books.output));
      continue;
    }
    account.delivered = plus(account.delivered, deliveredOf(file, own?.counts, books.output));
    if (own === undefined && file.inWindow > 0 && !left.has(file.segment ?? '')) {
      unsettled.push({ file: name, words: `${books.output} has no record of it` });
    }
  }
  for (const gone of goneSegments(books, known, present, names, window)) {
    account.written = plus(account.written, gone.written);
    account.delivered = plus(account.delivered, gone.delivered);
  }
  return {
    output: books.output,
    ...account,
    differences,
    unsettled,
    losses: books.ledger.filter((entry) => entry.type === 'loss').filter((loss) => lostIn(loss, window)),
  };
}

/** Torn lines may be events of the window, or parts of one. */
function asidesOf({ inWindow, asides }: FileCount): number {
  return inWindow === 0 ? 0 : asides;
}

/**
 * A file that lies in the window with all of its lines is delivered as the books say. Of one at the window's edge, what
 * the filter lets through now is what is expected, less what may have been set aside.
 */
function deliveredOf(file: FileCount, counts: Counts | undefined, output: string): Range {
  const isInside = file.inWindow === file.lines - file.asides;
  if (isInside && counts !== undefined && counts.readEvents === file.lines) return exactly(counts.delivered);
  const passed = file.passed.get(output) ?? file.inWindow;
  const aside = counts === undefined ? 0 : total(counts.deadLettered) + total(counts.lost);
  return { least: Math.max(0, passed - aside), most: passed + asidesOf(file) };
}

interface Settled {
  readonly name: string;
  readonly done: boolean;
  readonly counts: Counts;
}

/** By segment; the last entry of one that grew after it was settled has all of it. */
function settledSegments({ ledger, checkpoint }: Books): ReadonlyMap<string, Settled> {
  const segments = new Map<string, Settled>();
  for (const entry of ledger) {
    if (entry.type === 'segment') segments.set(entry.segment, { name: entry.name, done: true, counts: entry.counts });
  }
  for (const { id, name, done, counts } of checkpoint?.segments ?? []) segments.set(id, { name, done, counts });
  return segments;
}

/** Segments that are in the books and on the disk no more. Their times are in their names: of the end, and so of the next beginning. */
function goneSegments(
  { ledger }: Books,
  known: ReadonlyMap<string, Settled>,
  present: ReadonlySet<string>,
  names: LogNames,
  { fromMs, toMs }: Window,
): readonly { readonly written: Range; readonly delivered: Range }[] {
  const ends = ledger.flatMap((entry) => (entry.type === 'segment' ? [endOf(entry, names)] : [])).sort((a, b) => a - b);
  return [...known].flatMap(([segment, { name, counts }]) => {
    if (present.has(segment)) return [];
    const end = names.parse(basename(name))?.instantMs;
    if (end !== undefined && end < fromMs) return [];
    const begin = end === undefined ? undefined : ends.findLast((other) => other < end);
    if (begin !== undefined && begin >= toMs) return [];
    const isInside = end !== undefined && end < toMs && begin !== undefined && begin - LATE_MS >= fromMs;
    const range = (count: number): Range => ({ least: isInside ? count : 0, most: count });
    return [{ written: range(counts.readEvents), delivered: range(counts.delivered) }];
  });
}

/** Lines stand behind others that are younger, by half a second at most as measured. */
const LATE_MS = 1000;

function endOf({ name, settledAt }: SegmentEntry, names: LogNames): number {
  return names.parse(basename(name))?.instantMs ?? Date.parse(settledAt);
}

/** Whether a loss touches the window, as far as anybody can know. What was left out on purpose is none. */
function lostIn({ reason, at, after, before }: LossEntry, { fromMs, toMs }: Window): boolean {
  if (reason === 'not-taken') return false;
  const begin = Date.parse(after?.time ?? '');
  const end = Date.parse(before?.time ?? at);
  // Times of events are what somebody wrote into the log: one that is none must not hide the loss beside it.
  return !(end < fromMs) && !(begin >= toMs);
}
