import type { AlertState } from './alert-state.ts';
import { BoundedMap } from './bounded-map.ts';

/** Bounds on what the rules remember, whatever is sent. */
export interface Limits {
  /** Groups of one rule. */
  readonly maxGroups: number;
  /** Values that a `firstSeen` rule knows of one group. */
  readonly maxValues: number;
  /** Events may come so much later than their time, ms. */
  readonly toleranceMs: number;
}

/** What a group has shown before. */
export interface Seen {
  readonly firstMs: number;
  readonly values: BoundedMap<1>;
}

/** Requests whose other stages are still to come. */
const MAX_REQUESTS = 4096;

/** Alerts that ended last, of which matches may still wait to be taken. */
const MAX_ENDED = 64;

/** What one rule remembers. */
export class RuleState {
  readonly hash: string;
  readonly alerts: BoundedMap<AlertState>;
  readonly times: BoundedMap<number[]>;
  readonly values: BoundedMap<Map<string, number>>;
  readonly seen: BoundedMap<Seen>;
  readonly requests = new BoundedMap<1>(MAX_REQUESTS);
  /** What alerts showed when they ended. */
  readonly ended = new BoundedMap<Pick<AlertState, 'shown' | 'facts' | 'shownMs'>>(MAX_ENDED);
  /** Time of the first match; 0 before it. */
  startedMs = 0;
  /** Time of the last event of the alert that began or went on last; 0 before the first. */
  lastMs = 0;
  /** Matches, and how often somebody was told, in this run. */
  matches = 0;
  notifications = 0;
  /** Matches that came later than the tolerance. They count as any other. */
  late = 0;
  readonly #limits: Limits;
  #lostValues = 0;

  constructor(hash: string, limits: Limits) {
    this.hash = hash;
    this.#limits = limits;
    this.alerts = new BoundedMap(limits.maxGroups);
    this.times = new BoundedMap(limits.maxGroups);
    this.values = new BoundedMap(limits.maxGroups);
    this.seen = new BoundedMap(limits.maxGroups);
  }

  /** Groups and values that were forgotten because there were too many. */
  get evicted(): number {
    return this.alerts.evicted + this.times.evicted + this.values.evicted + this.seen.evicted + this.#lostValues;
  }

  get groups(): number {
    return Math.max(this.alerts.size, this.times.size, this.values.size, this.seen.size);
  }

  /** What was counted while the state was read back belongs to runs before. */
  beginRun(): void {
    this.matches = 0;
    this.notifications = 0;
    this.late = 0;
  }

  /** Whether a `firstSeen` rule knows this; it counts as seen again then. */
  knows(key: string, value: string): boolean {
    return this.seen.touch(key)?.values.touch(value) !== undefined;
  }

  newSeen(firstMs: number): Seen {
    return { firstMs, values: new BoundedMap(this.#limits.maxValues) };
  }

  learn(seen: Seen, value: string): void {
    const before = seen.values.evicted;
    seen.values.set(value, 1);
    this.#lostValues += seen.values.evicted - before;
  }
}
