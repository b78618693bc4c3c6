import type { Event } from '../event/event.ts';
import type { Rule } from './rule.ts';
import { WideHash } from './value-bytes.ts';

/** Names of requests that `repeatedId` remembers, for each rule. */
const REMEMBERED = 65_536;
const NONE: readonly Rule[] = [];

/** Something that the course of the trail itself shows. */
export interface Gap {
  readonly rule: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** When the last event that a `silence` rule waits for was made. */
interface Seen {
  readonly rule: string;
  timeMs: number;
}

const NOBODY: Seen = { rule: '', timeMs: 0 };

/** Two numbers for each name: itself, and what has to stay the same under it. */
interface Names {
  readonly rule: string;
  readonly table: Float64Array;
}

/**
 * What has to be known of every event, and so is kept in a few numbers and nothing else: when one of a kind was last
 * there, how far the clock has come, which names of requests were used. Rules ask for a record only where it matters.
 */
export class TrailWatch {
  /** By name of the `silence` rule. */
  readonly #seen = new Map<string, Seen>();
  /** The latest time of any event; 0 before the first. */
  latestMs = 0;
  /** Time of the last event in the order of the trail. */
  lastMs = 0;
  readonly #names = new Map<string, Names>();
  // Nearly always there is one rule of a kind, and every event asks for what it remembers.
  #recentSeen: Seen = NOBODY;
  #recentNames: Names | null = null;
  #clocks: readonly Rule[] = NONE;
  #silences: ReadonlySet<string> = new Set();
  #gaps = new Map<string, Gap>();
  /** A cryptographic hash of every event would cost more than all rules together. */
  readonly #hash = new WideHash();

  use(rules: readonly Rule[]): void {
    this.#clocks = rules.filter(({ kind }) => kind.type === 'clockJump');
    this.#silences = new Set(rules.filter(({ kind }) => kind.type === 'silence').map(({ name }) => name));
    for (const name of this.#seen.keys()) if (!this.#silences.has(name)) this.#seen.delete(name);
    this.#recentSeen = NOBODY;
    this.#recentNames = null;
  }

  /** When the last event of a kind was made, by name of the `silence` rule, in the order of the trail. */
  get lastSeen(): readonly (readonly [string, number])[] {
    return [...this.#seen].map(([name, { timeMs }]) => [name, timeMs]);
  }

  lastSeenOf(rule: string): number | undefined {
    return this.#seen.get(rule)?.timeMs;
  }

  see(rule: string, timeMs: number): void {
    const seen = this.#seen.get(rule);
    if (seen === undefined) this.#seen.set(rule, { rule, timeMs });
    else seen.timeMs = timeMs;
  }

  /**
   * Goes on behind an event of that time. What was seen between the last record and there is not known any more: a kind
   * counts as seen there, so that no silence is told that was none.
   */
  resume(lastReadMs: number): void {
    this.lastMs = lastReadMs;
    this.latestMs = Math.max(this.latestMs, lastReadMs);
    for (const name of this.#silences) this.see(name, Math.max(this.lastSeenOf(name) ?? 0, lastReadMs));
  }

  /** Whether a rule whose condition holds wants to hear of this event. */
  admits(rule: Rule, event: Event): boolean {
    switch (rule.kind.type) {
      case 'silence': {
        const timeMs = event.timeMs();
        const seen = this.#recentSeen.rule === rule.name ? this.#recentSeen : this.#seen.get(rule.name);
        if (seen === undefined) {
          this.see(rule.name, timeMs);
          return false;
        }
        this.#recentSeen = seen;
        const last = seen.timeMs;
        seen.timeMs = timeMs;
        if (timeMs - last < rule.kind.forMs) return false;
        this.#gaps.set(rule.name, { rule: rule.name, fromMs: last, toMs: timeMs });
        return true;
      }
      case 'repeatedId':
        return this.#repeats(rule, event);
      default:
        return true;
    }
  }

  /** Rules about the clock, which hear of events whatever those are. */
  everyEvent(event: Event): readonly Rule[] {
    const timeMs = event.timeMs();
    const { lastMs, latestMs } = this;
    this.lastMs = timeMs;
    if (timeMs > latestMs) this.latestMs = timeMs;
    if (latestMs === 0 || this.#clocks.length === 0) return NONE;
    // A clock that was set back stays so: what comes after is measured from there.
    const back = latestMs - timeMs;
    const forward = timeMs - lastMs;
    if (back < 1000 && forward < 1000) return NONE;
    const jumped = this.#clocks.filter(({ kind }) => {
      return kind.type === 'clockJump' && (back >= kind.backMs || forward >= kind.forwardMs);
    });
    for (const { name } of jumped) {
      this.#gaps.set(name, { rule: name, fromMs: back >= 1000 ? latestMs : lastMs, toMs: timeMs });
      if (back >= 1000) this.latestMs = timeMs;
    }
    return jumped;
  }

  /** The gap that a rule has heard of last. */
  gapOf(rule: string): Gap | undefined {
    return this.#gaps.get(rule);
  }

  /** A table of fixed size, by hash: a newer name takes the place of an older one. */
  #repeats(rule: Rule, event: Event): boolean {
    if (rule.repeated === null || event.valueEnd(rule.repeated.of) - event.valueStart(rule.repeated.of) <= 2)
      return false;
    const { of, by } = rule.repeated;
    const names = this.#recentNames?.rule === rule.name ? this.#recentNames : this.#namesOf(rule.name);
    this.#recentNames = names;
    const { table } = names;
    const hash = this.#hash;
    hash.begin();
    hash.take(event, of);
    const at = (hash.place % REMEMBERED) * 2;
    const id = hash.end();
    hash.begin();
    for (let index = 0; index < by.length; index += 1) hash.take(event, by[index] as number);
    const other = hash.end();
    const repeats = table[at] === id && table[at + 1] !== other;
    table[at] = id;
    table[at + 1] = other;
    return repeats;
  }

  #namesOf(rule: string): Names {
    const known = this.#names.get(rule) ?? { rule, table: new Float64Array(REMEMBERED * 2) };
    this.#names.set(rule, known);
    return known;
  }
}
