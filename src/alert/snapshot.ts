import type { AlertState } from './alert-state.ts';
import type { BoundedMap } from './bounded-map.ts';
import type { Engine } from './engine.ts';
import type { RuleState } from './rule-state.ts';

/** A part of the state of the rules, as a record of the journal. `r` is the rule, `k` the group. */
export type StateRecord =
  | {
      readonly t: 'watch';
      readonly latestMs: number;
      readonly lastMs: number;
      readonly seen: readonly (readonly [string, number])[];
    }
  | { readonly t: 'occurrences'; readonly all: readonly string[] }
  | {
      readonly t: 'rule';
      readonly r: string;
      readonly hash: string;
      readonly startedMs: number;
      /** Missing in journals of earlier versions. */
      readonly lastMs?: number;
      readonly requests: readonly string[];
    }
  | { readonly t: 'alert'; readonly r: string; readonly k: string; readonly alert: AlertState }
  | { readonly t: 'times'; readonly r: string; readonly k: string; readonly times: readonly number[] }
  | {
      readonly t: 'values';
      readonly r: string;
      readonly k: string;
      readonly values: readonly (readonly [string, number])[];
    }
  | {
      readonly t: 'seen';
      readonly r: string;
      readonly k: string;
      readonly firstMs: number;
      readonly values: readonly string[];
    };

/** All that the engine knows, in records of bounded size. */
export function* recordsOf(engine: Engine): Generator<StateRecord> {
  yield watchRecord(engine);
  yield { t: 'occurrences', all: keysOf(engine.occurrences) };
  for (const [r, state] of engine.states) {
    const { hash, startedMs, lastMs } = state;
    yield { t: 'rule', r, hash, startedMs, lastMs, requests: keysOf(state.requests) };
    for (const [k, alert] of state.alerts.entries()) yield { t: 'alert', r, k, alert };
    for (const [k, times] of state.times.entries()) yield { t: 'times', r, k, times };
    for (const [k, values] of state.values.entries()) yield { t: 'values', r, k, values: [...values] };
    for (const [k, { firstMs, values }] of state.seen.entries()) {
      yield { t: 'seen', r, k, firstMs, values: keysOf(values) };
    }
  }
}

/** How far the trail has come, which moves with every event. */
export function watchRecord({ watch }: Engine): Extract<StateRecord, { t: 'watch' }> {
  return { t: 'watch', latestMs: watch.latestMs, lastMs: watch.lastMs, seen: watch.lastSeen };
}

/** Puts one record back. What belongs to a rule that is not there any more, or is another one now, is left out. */
export function restore(engine: Engine, record: StateRecord): void {
  switch (record.t) {
    case 'watch': {
      const { watch } = engine;
      watch.latestMs = record.latestMs;
      watch.lastMs = record.lastMs;
      for (const [rule, ms] of record.seen) watch.see(rule, ms);
      return;
    }
    case 'occurrences':
      for (const one of record.all) engine.occurrences.set(one, 1);
      return;
    case 'rule': {
      const state = engine.states.get(record.r);
      // Records of another rule of that name follow: nothing may take them up.
      if (state === undefined || state.hash !== record.hash) engine.foreign.add(record.r);
      else restoreRule(state, record);
      return;
    }
    default: {
      const state = engine.states.get(record.r);
      if (state !== undefined && !engine.foreign.has(record.r)) restoreGroup(state, record);
    }
  }
}

function restoreRule(state: RuleState, record: Extract<StateRecord, { t: 'rule' }>): void {
  state.startedMs = record.startedMs;
  state.lastMs = record.lastMs ?? 0;
  for (const request of record.requests) state.requests.set(request, 1);
}

function restoreGroup(state: RuleState, record: Exclude<StateRecord, { t: 'watch' | 'occurrences' | 'rule' }>): void {
  switch (record.t) {
    case 'alert':
      return state.alerts.set(record.k, { ...record.alert });
    case 'times':
      return state.times.set(record.k, [...record.times]);
    case 'values':
      return state.values.set(record.k, new Map(record.values));
    case 'seen': {
      const seen = state.newSeen(record.firstMs);
      for (const value of record.values) seen.values.set(value, 1);
      return state.seen.set(record.k, seen);
    }
  }
}

function keysOf<Value>(map: BoundedMap<Value>): readonly string[] {
  return [...map.entries()].map(([key]) => key);
}
