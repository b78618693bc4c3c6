import { BoundedMap } from './bounded-map.ts';
import { AlertBook, goesOn, isOver, keyOf } from './alert-book.ts';
import type { Found, RuleMatch } from './match.ts';
import type { Notification } from './notification.ts';
import { hasRequests, type Rule } from './rule.ts';
import { type Limits, RuleState } from './rule-state.ts';
import { addTime, addValue } from './threshold.ts';
import { TrailWatch } from './trail-watch.ts';
import { Waiting } from './waiting.ts';

/** What moves the state of the rules. The same inputs make the same state, and the same notifications. */
export type Input =
  | { readonly type: 'found'; readonly found: readonly Found[] }
  | {
      readonly type: 'tick';
      /** How far time has come: the clock's where all of the trail has been read, the trail's where not. */
      readonly nowMs: number;
      /** `silence` rules of whose events none came for too long, and since when. */
      readonly silent: readonly { readonly rule: string; readonly sinceMs: number }[];
      /** `silence` rules whose events have come back. */
      readonly heard: readonly string[];
    };

export interface EngineOptions {
  readonly source: string;
  readonly limits: Limits;
}

/** Occurrences of events that were counted last: those that come again after a crash are known by them. */
const MAX_OCCURRENCES = 65_536;

/** The state of all rules over one trail. It does nothing by itself: no clock, no files, no network. */
export class Engine {
  readonly watch = new TrailWatch();
  readonly states = new Map<string, RuleState>();
  readonly occurrences = new BoundedMap<1>(MAX_OCCURRENCES);
  /** Names under which the journal has the state of another rule than the one that is called so now. */
  readonly foreign = new Set<string>();
  readonly #options: EngineOptions;
  #rules = new Map<string, Rule>();
  readonly #book: AlertBook;
  readonly #waiting = new Waiting();
  #tickedMs = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#book = new AlertBook(options.source);
  }

  get rules(): readonly Rule[] {
    return [...this.#rules.values()];
  }

  /** Takes these rules from now on; what others remember of the same name and kind stays. */
  use(rules: readonly Rule[]): void {
    this.#rules = new Map(rules.filter(({ config }) => config.enabled).map((rule) => [rule.name, rule]));
    for (const name of this.states.keys()) if (!this.#rules.has(name)) this.states.delete(name);
    for (const rule of this.#rules.values()) this.#stateOf(rule);
  }

  knows(rule: string, group: readonly string[], value: string): boolean {
    return this.states.get(rule)?.knows(keyOf(group), value) ?? false;
  }

  /**
   * Whether a match of that group would only be counted, whatever becomes of those that have been found and not been
   * taken yet: it begins no alert, nobody is told of it, and an alert that goes on shows one of the last second already.
   */
  isQuiet(rule: Rule, group: readonly string[], timeMs: number): boolean {
    const { kind } = rule;
    const state = this.states.get(rule.name);
    if (state === undefined) return false;
    const key = keyOf(group);
    if (kind.type === 'firstSeen') {
      const sinceMs = kind.learnNew ? state.seen.peek(key)?.firstMs : state.startedMs;
      return sinceMs !== undefined && sinceMs !== 0 && timeMs - sinceMs < kind.learnMs;
    }
    const alert = state.alerts.peek(key);
    if (alert !== undefined) {
      const shownMs = this.#waiting.shownMs(rule.name, key) || alert.shownMs;
      return Math.abs(timeMs - shownMs) < 1000 && goesOn(rule, alert, Math.max(timeMs, this.#tickedMs));
    }
    const waiting = this.#waiting.count(rule.name, key);
    if (kind.type === 'count') return (state.times.peek(key)?.length ?? 0) + waiting + 1 < kind.count;
    return kind.type === 'distinct' && (state.values.peek(key)?.size ?? 0) + waiting + 1 < kind.count;
  }

  /** Says that this was found, and will be taken in a while. */
  expect({ matches, facts, timeMs }: Found): void {
    for (const match of matches) {
      this.#waiting.add(match.rule, keyOf(match.group), facts === null ? 0 : timeMs, this.#isFresh(match));
    }
  }

  /** A value that is known already adds nothing to how many different ones there are. */
  #isFresh({ rule, group, value }: RuleMatch): boolean {
    return this.states.get(rule)?.values.peek(keyOf(group))?.has(value) !== true;
  }

  /** Takes an input; gives what is to be told because of it. */
  apply(input: Input): readonly Notification[] {
    if (input.type === 'found') for (const found of input.found) this.#take(found);
    else this.#tick(input);
    return this.#book.take();
  }

  /** Whether a tick at this time would change anything. */
  isDue(nowMs: number): boolean {
    for (const [name, state] of this.states) {
      const rule = this.#rules.get(name);
      if (rule === undefined) continue;
      for (const [, alert] of state.alerts.entries()) if (isOver(rule, alert, nowMs)) return true;
    }
    return false;
  }

  #take(found: Found): void {
    if (this.occurrences.peek(found.occurrence) !== undefined) return;
    this.occurrences.add(found.occurrence, 1);
    for (const match of found.matches) {
      this.#waiting.remove(match.rule, keyOf(match.group), this.#isFresh(match));
      const rule = this.#rules.get(match.rule);
      if (rule === undefined || rule.hash !== match.hash) continue;
      this.#match(rule, this.#stateOf(rule), match, found);
    }
  }

  #match(rule: Rule, state: RuleState, match: RuleMatch, found: Found): void {
    const { kind } = rule;
    const { timeMs } = found;
    if (hasRequests(rule)) {
      if (state.requests.touch(found.request) !== undefined) return;
      state.requests.add(found.request, 1);
    }
    state.matches += 1;
    if (timeMs < this.watch.latestMs - this.#options.limits.toleranceMs) state.late += 1;
    if (state.startedMs === 0) state.startedMs = timeMs;
    const key = keyOf(match.group);
    switch (kind.type) {
      case 'each':
      case 'repeatedId':
        return this.#book.trigger(rule, state, { match, facts: found.facts, timeMs, count: 1, values: match.value });
      case 'count':
        return this.#count(rule, state, match, found, kind);
      case 'distinct':
        return this.#distinct(rule, state, match, found, kind);
      case 'firstSeen': {
        let seen = state.seen.touch(key);
        if (seen === undefined) {
          seen = state.newSeen(timeMs);
          state.seen.add(key, seen);
        }
        if (seen.values.touch(match.value) !== undefined) return;
        state.learn(seen, match.value);
        const since = kind.learnNew ? seen.firstMs : state.startedMs;
        if (timeMs - since < kind.learnMs) return;
        // Another value is another alert, even where the group is the same: it is new only once.
        const group = [...match.group, match.value];
        const values = match.value;
        return this.#book.trigger(rule, state, {
          match: { ...match, group },
          facts: found.facts,
          timeMs,
          count: 1,
          values,
        });
      }
      case 'silence':
      case 'clockJump': {
        const [fromMs = timeMs, toMs = timeMs] = match.value.split(' ').map(Number);
        const values = `${isoTime(fromMs)} to ${isoTime(toMs)}`;
        const known = kind.type === 'silence' && state.alerts.peek(key) !== undefined;
        if (!known) {
          this.#book.trigger(rule, state, { match, facts: found.facts, timeMs, count: 1, values, startsMs: fromMs });
        }
        if (kind.type === 'silence') this.#book.end(rule, state, key);
        return;
      }
    }
  }

  #count(
    rule: Rule,
    state: RuleState,
    match: RuleMatch,
    found: Found,
    { count, windowMs }: { readonly count: number; readonly windowMs: number },
  ): void {
    const key = keyOf(match.group);
    let times = state.times.touch(key);
    if (times === undefined) {
      times = [];
      state.times.add(key, times);
    }
    const together = addTime(times, found.timeMs, count, windowMs, this.#options.limits.toleranceMs);
    if (together === 0) return;
    this.#book.trigger(rule, state, { match, facts: found.facts, timeMs: found.timeMs, count: together, values: '' });
  }

  #distinct(
    rule: Rule,
    state: RuleState,
    match: RuleMatch,
    found: Found,
    { count, windowMs }: { readonly count: number; readonly windowMs: number },
  ): void {
    if (match.value === '') return;
    const key = keyOf(match.group);
    let values = state.values.touch(key);
    if (values === undefined) {
      values = new Map();
      state.values.add(key, values);
    }
    const { toleranceMs } = this.#options.limits;
    const together = addValue(values, match.value, found.timeMs, { count, windowMs, toleranceMs });
    if (together === 0) return;
    const some = [...values.keys()].slice(-10).join(', ');
    this.#book.trigger(rule, state, { match, facts: found.facts, timeMs: found.timeMs, count: together, values: some });
  }

  #tick({ nowMs, silent, heard }: Extract<Input, { type: 'tick' }>): void {
    this.#tickedMs = nowMs;
    for (const { rule: name, sinceMs } of silent) {
      const rule = this.#rules.get(name);
      if (rule === undefined) continue;
      const values = `since ${isoTime(sinceMs)}`;
      const match = { rule: name, hash: rule.hash, group: [], value: '', shown: {} };
      this.#book.trigger(rule, this.#stateOf(rule), {
        match,
        facts: null,
        timeMs: nowMs,
        count: 1,
        values,
        startsMs: sinceMs,
      });
    }
    for (const name of heard) {
      const rule = this.#rules.get(name);
      const state = this.states.get(name);
      if (rule !== undefined && state !== undefined) this.#book.end(rule, state, keyOf([]));
    }
    for (const rule of this.#rules.values()) {
      if (rule.kind.type === 'silence') continue;
      const state = this.#stateOf(rule);
      for (const [key, alert] of state.alerts.entries())
        if (isOver(rule, alert, nowMs)) this.#book.end(rule, state, key);
    }
  }

  #stateOf(rule: Rule): RuleState {
    const known = this.states.get(rule.name);
    if (known?.hash === rule.hash) return known;
    const state = new RuleState(rule.hash, this.#options.limits);
    this.states.set(rule.name, state);
    return state;
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
