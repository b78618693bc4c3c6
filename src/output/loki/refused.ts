import type { Part } from '../../pipeline/batch.ts';
import type { Again, Rejection, SendResult } from '../output.ts';
import { words } from '../words.ts';
import { type EntryFacts, readEntry } from './entry.ts';

/*
 * Loki stores what is good of a push and answers 400 for the rest, in prose. Nothing of such a push is sent again: Loki counts copies in
 * metric queries. Which entries it refused is found by what it measures them by. Texts: pkg/validation/validate.go, pkg/util/errors.go
 * and pkg/ingester/stream.go of grafana/loki 3.7.
 */

/** An item of the part that was pushed, with what Loki measures it by. */
interface Entry extends EntryFacts {
  readonly item: number;
}

/** Why a refused entry was refused. */
interface Verdict {
  readonly reason: string;
  readonly outcome: Rejection['outcome'];
  readonly words: string;
}

const SECOND = 1_000_000_000n;

/**
 * Some were refused, and the answer does not say which of them. They are set aside with a copy, so that what is in the store and what is
 * in the dead letter are everything together; that some of the copies are in the store too is said in the words.
 */
const NOT_NAMED = 'refused-not-named';

/** What became of a push that was refused in part, or `null` where the answer speaks of something else. `said` is all of its text. */
export function partlyRefused(said: string, complete: boolean, status: number, part: Part): SendResult | null {
  // The last sentence of an answer that was cut is no sentence.
  const text = complete ? said.trimEnd() : said.slice(0, Math.max(0, said.lastIndexOf('; ')) || said.length);
  const entries = part.items.map((item) => ({ item, ...readEntry(part.batch, item) }));
  const ledger = new Ledger(entries, status, text);
  const known = text.startsWith('entry with timestamp ')
    ? ingesterRefusals(text, entries, ledger)
    : distributorRefusals(text, entries, ledger);
  if (!known) return null;
  if (!complete) ledger.restNotNamed(entries);
  return ledger.result();
}

/** Collects verdicts; the first one of an item counts. */
class Ledger {
  readonly #verdicts = new Map<number, Verdict>();
  readonly #again: number[] = [];
  readonly #held = new Map<number, string>();
  readonly #status: number;
  readonly #words: string;
  readonly #count: number;

  constructor(entries: readonly Entry[], status: number, text: string) {
    this.#status = status;
    this.#words = words(text);
    this.#count = entries.length;
  }

  open(entries: readonly Entry[]): Entry[] {
    return entries.filter(
      ({ item }) => !this.#verdicts.has(item) && !this.#held.has(item) && !this.#again.includes(item),
    );
  }

  reject(entries: readonly Entry[], verdict: Verdict): void {
    for (const { item } of entries) this.#verdicts.set(item, verdict);
  }

  hold(entries: readonly Entry[], reason: string): void {
    for (const { item } of entries) this.#held.set(item, reason);
  }

  sendAgain(entries: readonly Entry[]): void {
    for (const { item } of entries) this.#again.push(item);
  }

  restNotNamed(entries: readonly Entry[]): void {
    const open = this.open(entries);
    const which = `some of these ${open.length} of ${this.#count} events were refused, and the answer does not say which; the others were stored`;
    this.reject(open, { reason: NOT_NAMED, outcome: 'deadLettered', words: words(`${which}: ${this.#words}`) });
  }

  result(): SendResult {
    const rejected = [...this.#verdicts]
      .sort(([a], [b]) => a - b)
      .map(([item, verdict]): Rejection => ({ item, status: this.#status, ...verdict }));
    const again: Again[] = [];
    if (this.#again.length > 0) again.push(this.#onceMore('retry', this.#again, 'stream-rate-limit'));
    for (const reason of new Set(this.#held.values())) {
      const items = [...this.#held].filter(([, why]) => why === reason).map(([item]) => item);
      again.push(this.#onceMore('hold', items, reason));
    }
    return { rejected, again, duplicates: 0 };
  }

  #onceMore(how: Again['how'], items: number[], reason: string): Again {
    return { how, items: items.sort((a, b) => a - b), status: this.#status, reason, words: this.#words };
  }
}

/** `N errors like: TEXT; M errors like: TEXT`, or one bare TEXT: what the distributor refused before anything was stored. */
function distributorRefusals(text: string, entries: readonly Entry[], ledger: Ledger): boolean {
  const errors = text.split(/; (?=\d+ errors like: )/).map((piece) => {
    const several = /^(\d+) errors like: (.*)$/s.exec(piece);
    return { count: Number(several?.[1] ?? 1), text: several?.[2] ?? piece };
  });
  let unknown = 0;
  let short = false;
  const found: { kind: Kind; match: RegExpExecArray; count: number; text: string }[] = [];
  for (const error of errors) {
    const hit = KINDS.map((kind) => ({ kind, match: kind.pattern.exec(error.text) })).find(
      ({ match }) => match !== null,
    );
    if (hit?.match) found.push({ kind: hit.kind, match: hit.match, count: error.count, text: error.text });
    else unknown += 1;
  }
  if (found.length === 0) return false;

  // In the order in which Loki checks an entry: the first check that fails names it.
  for (const kind of KINDS) {
    const ofKind = found.filter((error) => error.kind === kind);
    if (ofKind.length === 0) continue;
    const reported = ofKind.reduce((sum, error) => sum + error.count, 0);
    const refused = kind.find(
      ledger.open(entries),
      ofKind.map(({ match, count }) => ({ match, count })),
    );
    if (refused.length > reported) {
      ledger.restNotNamed(refused);
      continue;
    }
    short ||= refused.length < reported;
    const said = words((ofKind[0] as (typeof ofKind)[number]).text);
    if (kind.outcome === 'hold') ledger.hold(refused, kind.reason);
    else ledger.reject(refused, { reason: kind.reason, outcome: kind.outcome, words: said });
  }
  if (short || unknown > 0) ledger.restNotNamed(entries);
  return true;
}

interface Report {
  readonly match: RegExpExecArray;
  readonly count: number;
}

interface Kind {
  readonly reason: string;
  readonly outcome: Rejection['outcome'] | 'hold';
  readonly pattern: RegExp;
  find(entries: readonly Entry[], reports: readonly Report[]): readonly Entry[];
}

const KINDS: readonly Kind[] = [
  {
    reason: 'too-old',
    outcome: 'lost',
    pattern: /^entry for stream '.*' has timestamp too old: (\S+), oldest acceptable timestamp is: (\S+)$/s,
    find: tooOld,
  },
  {
    reason: 'too-new',
    outcome: 'deadLettered',
    pattern: /^entry for stream '.*' has timestamp too new: (\S+)$/s,
    find: tooNew,
  },
  {
    reason: 'line-too-long',
    outcome: 'deadLettered',
    pattern: /^max entry size '(\d+)' bytes exceeded for stream '.*' while adding an entry with length '\d+' bytes$/s,
    find: above((entry) => entry.lineBytes),
  },
  {
    reason: 'metadata-too-large',
    outcome: 'deadLettered',
    pattern: /^stream '.*' has structured metadata too large: '\d+' bytes, limit: '(\d+)' bytes/s,
    find: above((entry) => entry.metadataBytes),
  },
  {
    // Nine at most are sent, the default limit is 128: it is the limit that has to change.
    reason: 'metadata-limit',
    outcome: 'hold',
    pattern: /^stream '.*' has too many structured metadata labels: '\d+', limit: '(\d+)'/s,
    find: above((entry) => entry.metadataCount),
  },
];

/** The limit stands in the text. */
function above(size: (entry: Entry) => number): Kind['find'] {
  return (entries, [report]) => entries.filter((entry) => size(entry) > Number(report?.match[1]));
}

/**
 * What is older than the bound in the text. The bound is cut to its second: of the entries of that very second, the oldest were refused,
 * as many as the text counts for it.
 */
function tooOld(entries: readonly Entry[], reports: readonly Report[]): readonly Entry[] {
  const bound = nanoseconds(reports[0]?.match[2]);
  const inSecond = counted(reports).get(bound) ?? 0;
  return [
    ...entries.filter(({ timeNs }) => timeNs < bound),
    ...byTime(entries.filter(({ timeNs }) => second(timeNs) === bound)).slice(0, inSecond),
  ];
}

/** There is no bound in the text, only the second of each refused entry: the newest of that second were refused. */
function tooNew(entries: readonly Entry[], reports: readonly Report[]): readonly Entry[] {
  return [...counted(reports)].flatMap(([time, count]) =>
    byTime(entries.filter(({ timeNs }) => second(timeNs) === time)).slice(-count),
  );
}

/** How many errors speak of an entry of which second. */
function counted(reports: readonly Report[]): Map<bigint, number> {
  const counts = new Map<bigint, number>();
  for (const { match, count } of reports) {
    const time = nanoseconds(match[1]);
    counts.set(time, (counts.get(time) ?? 0) + count);
  }
  return counts;
}

const LISTED =
  /entry with timestamp (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? \+0000 UTC ignored, reason: '(.*?)',\n/gs;
const TOTAL = /user '.*', total ignored: (\d+) out of (\d+) for stream: (.*)$/s;
const FAR_BEHIND = /^entry too far behind, .*oldest acceptable timestamp is: (\S+)$/s;

/**
 * `entry with timestamp T ignored, reason: 'R',\n … user 'U', total ignored: M out of N for stream: S`: what the ingester refused. It
 * lists ten of them at most, each with its exact time. N counts what the distributor let through; what it refused itself is not named
 * beside this text, only missing from N. The bound rises within a push as newer entries go in.
 */
function ingesterRefusals(text: string, entries: readonly Entry[], ledger: Ledger): boolean {
  const listed = [...text.matchAll(LISTED)].map(([, date, time, fraction = '', reason = '']) => ({
    timeNs: nanoseconds(`${date}T${time}Z`) + BigInt(fraction.padEnd(9, '0')),
    reason,
  }));
  if (listed.length === 0) return false;
  const total = TOTAL.exec(text);
  const sharded = total?.[3]?.includes('__stream_shard__=') ?? true;
  let bound = 0n;
  for (const { timeNs, reason } of listed) {
    const entry = ledger.open(entries).findLast((candidate) => candidate.timeNs === timeNs);
    if (entry === undefined) continue;
    const farBehind = FAR_BEHIND.exec(reason);
    if (farBehind !== null) {
      bound = nanoseconds(farBehind[1]);
      ledger.reject([entry], { reason: 'too-old', outcome: 'lost', words: words(reason) });
    } else if (reason.startsWith('Per stream rate limit exceeded')) {
      ledger.sendAgain([entry]);
    } else {
      const outOfOrder = reason.startsWith('entry out of order');
      ledger.reject([entry], {
        reason: outOfOrder ? 'out-of-order' : 'refused',
        outcome: 'deadLettered',
        words: words(reason),
      });
    }
  }
  const rest = ledger.open(entries);
  const named = entries.length - rest.length;
  const missing = Number(total?.[1]) + entries.length - Number(total?.[2]) - named;
  if (missing === 0 && !sharded) return true;
  const older = rest.filter(({ timeNs }) => timeNs < bound);
  if (older.length === missing && !sharded) {
    ledger.reject(older, { reason: 'too-old', outcome: 'lost', words: words(listed.at(-1)?.reason ?? '') });
    return true;
  }
  // Newer than all before it and than the bound: such an entry is never too far behind, in whichever shard of the stream it is.
  let newest = bound + SECOND;
  const doubtful = rest.filter(({ timeNs }) => {
    const ahead = timeNs >= newest;
    if (ahead) newest = timeNs;
    return !ahead;
  });
  ledger.restNotNamed(sharded || doubtful.length >= missing ? doubtful : rest);
  return true;
}

function byTime(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
}

function second(timeNs: bigint): bigint {
  return timeNs - (timeNs % SECOND);
}

/** Nanoseconds of an RFC 3339 time to the second; 0 where it is none. */
function nanoseconds(time: string | undefined): bigint {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? 0n : BigInt(ms) * 1_000_000n;
}
