import { crc32 } from 'node:zlib';
import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import type { Facts, Found, RuleMatch } from './match.ts';
import { plain } from './template.ts';
import { requestOf } from './request.ts';
import { hasRequests, type Rule, type RuleTest } from './rule.ts';
import { type Candidate, Candidates } from './candidates.ts';
import type { TrailWatch } from './trail-watch.ts';
import { bounded } from './value.ts';

/** A line of the trail, as it stands there. */
interface Line {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const NONE = {};

/** What is remembered of earlier events. */
export interface Memory {
  readonly watch: TrailWatch;
  /** Whether a `firstSeen` rule has seen this before: nobody has to hear of it then. */
  knows(rule: string, group: readonly string[], value: string): boolean;
  isQuiet(rule: Rule, group: readonly string[], timeMs: number): boolean;
}

/** Which of the rules an event matches. What it remembers of earlier events is in `TrailWatch` only. */
export class Matcher {
  readonly rules: readonly Rule[];
  /** Conditions that failed on an event; such an event does not match. */
  failures = 0;
  readonly watch: TrailWatch;
  readonly #memory: Memory;
  readonly #candidates: Candidates;
  readonly #matched: Rule[] = [];
  /** Names the request of the last event that was judged; null where nobody has asked for that. */
  #request: string | null = null;

  constructor(rules: readonly Rule[], memory: Memory) {
    this.rules = rules.filter(({ config }) => config.enabled);
    this.#candidates = new Candidates(this.rules.filter(({ kind }) => kind.type !== 'clockJump'));
    this.#memory = memory;
    this.watch = memory.watch;
    const { watch } = memory;
    watch.use(this.rules);
  }

  /** Whether any rule has to hear of this event; which ones is known until the next call. */
  judge(event: Event): boolean {
    const matched = this.#matched;
    matched.length = 0;
    this.#request = null;
    const candidates = this.#candidates.of(event);
    for (let at = 0; at < candidates.length; at += 1) {
      const candidate = candidates[at] as Candidate;
      const { rule } = candidate;
      if (!this.#holds(candidate, event) || !this.watch.admits(rule, event) || this.#isKnown(rule, event)) continue;
      matched.push(rule);
    }
    for (const rule of this.watch.everyEvent(event)) matched.push(rule);
    return matched.length > 0;
  }

  /**
   * The same where all that comes of it is that the event is counted: no redaction is needed for what nobody is told.
   * Null where somebody may be told of this event. `isHarmless` says of a text that it holds no secret.
   */
  quietlyFound(event: Event, line: Line, isHarmless: (text: string) => boolean): Found | null {
    const timeMs = event.timeMs();
    const request = this.#requestOf(event);
    const matches: RuleMatch[] = [];
    for (const rule of this.#matched) {
      if (!rule.plain) return null;
      const group = groupOf(rule, event);
      const value = this.#valueOf(rule, event);
      if (!this.#memory.isQuiet(rule, group, timeMs)) return null;
      if (!isHarmless(value) || !group.every(isHarmless)) return null;
      matches.push({ rule: rule.name, hash: rule.hash, group, value, shown: NONE });
    }
    return { occurrence: contentOf(line), request, timeMs, matches, facts: null };
  }

  /** What the rules found in the event of the last `judge`; `event` may be what redaction left of it. */
  found(event: Event, line: Line): Found {
    const matches = this.#matched.map((rule): RuleMatch => {
      return {
        rule: rule.name,
        hash: rule.hash,
        group: groupOf(rule, event),
        value: this.#valueOf(rule, event),
        shown: Object.fromEntries(rule.shown.map(({ name, read }) => [name, plain(cut(read(event)))])),
      };
    });
    const facts = factsOf(event);
    return { occurrence: contentOf(line), request: this.#requestOf(event), timeMs: event.timeMs(), matches, facts };
  }

  /** Of the event as it was judged: what redaction leaves of another stage's URI may be another text. */
  #requestOf(event: Event): string {
    this.#request ??= this.#matched.some(hasRequests) ? requestOf(event) : '';
    return this.#request;
  }

  #isKnown(rule: Rule, event: Event): boolean {
    return (
      rule.kind.type === 'firstSeen' && this.#memory.knows(rule.name, groupOf(rule, event), this.#valueOf(rule, event))
    );
  }

  #valueOf(rule: Rule, event: Event): string {
    if (rule.kind.type === 'silence' || rule.kind.type === 'clockJump') {
      const gap = this.watch.gapOf(rule.name);
      return gap === undefined ? '' : `${gap.fromMs} ${gap.toMs}`;
    }
    const [read] = rule.value;
    if (rule.value.length === 1 && read !== undefined) return bounded(read(event));
    return bounded(rule.value.map((one) => one(event)).join(' | '));
  }

  /** Where one test does not hold, it does not matter that another fails. */
  #holds({ tests }: Candidate, event: Event): boolean {
    let failed = false;
    for (let at = 0; at < tests.length; at += 1) {
      const test = tests[at] as RuleTest;
      if (!test.fails) {
        if (!test.holds(event)) return false;
        continue;
      }
      try {
        if (!test.holds(event)) return false;
      } catch {
        failed = true;
      }
    }
    if (failed) this.failures += 1;
    return !failed;
  }
}

/** Beside its place, this tells an event from another that stood there before the file was written anew. */
function contentOf({ bytes, start, end }: Line): string {
  return crc32(bytes.subarray(start, end)).toString(16);
}

function groupOf(rule: Rule, event: Event): readonly string[] {
  return rule.group.map(({ read }) => bounded(read(event)));
}

function factsOf(event: Event): Facts {
  const text = (slot: number) => plain(cut(event.text(slot)));
  const subresource = text(SLOT['objectRef.subresource']);
  const as = text(SLOT['impersonatedUser.username']);
  return {
    time: event.timeText(),
    auditID: text(SLOT.auditID),
    stage: text(SLOT.stage),
    verb: text(SLOT.verb),
    user: text(SLOT['user.username']),
    ...(as === '' ? {} : { as }),
    resource: `${text(SLOT['objectRef.resource'])}${subresource === '' ? '' : `/${subresource}`}`,
    namespace: text(SLOT['objectRef.namespace']),
    name: text(SLOT['objectRef.name']),
    path: plain(cut(event.text(SLOT.requestURI).split('?', 1)[0] as string)),
    code: event.number(SLOT['responseStatus.code']),
    sourceIPs: plain(cut(event.list(SLOT.sourceIPs).join(', '))),
    userAgent: text(SLOT.userAgent),
  };
}

const MAX_SHOWN = 500;

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1).toWellFormed()}…` : text;
}
