import type { Addressed } from './notification.ts';
import type { Facts, Found, RuleMatch } from './match.ts';

/** A match as it is written: rule, hash, group, value, and what is shown of it, if anything is. */
type Written = readonly [
  rule: string,
  hash: string,
  group: readonly string[],
  value: string,
  shown?: Readonly<Record<string, string>>,
];

/** What was found, without the names of its parts: most of the journal consists of it. */
export type WrittenFound = readonly [
  occurrence: string,
  request: string,
  timeMs: number,
  matches: readonly Written[],
  facts?: Facts,
];

/** What was found in an event as JSON of one line. */
export function encodeFound({ occurrence, request, timeMs, matches, facts }: Found): string {
  const written = matches.map(({ rule, hash, group, value, shown }): Written => {
    return facts === null ? [rule, hash, group, value] : [rule, hash, group, value, shown];
  });
  const found: WrittenFound =
    facts === null ? [occurrence, request, timeMs, written] : [occurrence, request, timeMs, written, facts];
  return JSON.stringify(found);
}

/** The same as it was before. */
export function decodeFound([occurrence, request, timeMs, written, facts = undefined]: WrittenFound): Found {
  const matches = written.map(([rule, hash, group, value, shown = {}]): RuleMatch => {
    return { rule, hash, group, value, shown };
  });
  return { occurrence, request, timeMs, matches, facts: facts ?? null };
}

/** Names the occurrence of the event by where it stands in the trail, beside what it holds. */
export function placed(found: Found, segment: string, offset: number): Found {
  const { request, timeMs, matches, facts } = found;
  return { occurrence: `${segment}:${offset}:${found.occurrence}`, request, timeMs, matches, facts };
}

/** What was found, as a record of the journal. */
export interface FoundRecord {
  readonly t: 'found';
  readonly segment: string;
  /** Where the lines of the events stand in it. */
  readonly offsets: readonly number[];
  readonly found: readonly WrittenFound[];
  readonly notes: readonly Addressed[];
}

export function foundIn({ segment, offsets, found }: FoundRecord): readonly Found[] {
  return found.map((one, at) => placed(decodeFound(one), segment, offsets[at] as number));
}
