import { Engine } from '../alert/engine.ts';
import { Matcher } from '../alert/matcher.ts';
import type { Notification } from '../alert/notification.ts';
import type { Rule } from '../alert/rule.ts';
import { plain, render } from '../alert/template.ts';
import { prepareFilter } from '../filter/create-filter.ts';
import { outputSchema } from '../config/output-schema.ts';
import { EventView } from '../event/event-view.ts';
import type { Event } from '../event/event.ts';
import { applySplices } from '../event/splice.ts';
import type { Filter } from '../filter/filter.ts';
import type { Where } from './event-walk.ts';

/** Something that would have been told. */
export interface Replayed {
  readonly notification: Notification;
  readonly summary: string;
  /** The event with which it was told; null where only time went by. */
  readonly where: Where | null;
}

/** What one rule would have said. */
export interface RuleReplay {
  readonly name: string;
  readonly severity: string;
  readonly enabled: boolean;
  readonly matches: number;
  /** Alerts that would have begun or been repeated. */
  readonly alerts: number;
  /** RFC 3339; empty where there was none. */
  readonly firstAt: string;
  readonly lastAt: string;
  readonly evicted: number;
}

export interface ReplayLimits {
  readonly groups: number;
  readonly values: number;
  readonly toleranceMs: number;
}

/** More of what would have been told is counted, and not kept. */
const MAX_KEPT = 100_000;

/** Alert rules over recorded events, by the time of the events: the same engine as in the agent, and nobody is told. */
export class AlertReplay {
  readonly told: Replayed[] = [];
  /** What would have been told beyond those that are kept. */
  more = 0;
  readonly #rules: readonly Rule[];
  readonly #engine: Engine;
  readonly #matcher: Matcher;
  readonly #redaction: Filter = prepareFilter(outputSchema.parse({ name: 'alerts', type: 'stdout' }).filter).create();
  readonly #redacted = new EventView();
  readonly #scratch = { bytes: Buffer.alloc(0) };
  readonly #firsts = new Map<string, { count: number; first: number; last: number }>();
  #events = 0;
  #nextTickMs = 0;

  constructor(rules: readonly Rule[], { groups, values, toleranceMs }: ReplayLimits) {
    this.#rules = rules;
    this.#engine = new Engine({ source: 'replay', limits: { maxGroups: groups, maxValues: values, toleranceMs } });
    this.#engine.use(rules);
    this.#matcher = new Matcher(rules, this.#engine);
  }

  get failures(): number {
    return this.#matcher.failures;
  }

  see(event: Event, where: Where): void {
    this.#events += 1;
    const matched = this.#matcher.judge(event);
    const { lastMs } = this.#engine.watch;
    if (lastMs >= this.#nextTickMs || lastMs < this.#nextTickMs - 60_000) {
      this.#nextTickMs = lastMs + 1000;
      if (this.#engine.isDue(lastMs)) {
        this.#note(this.#engine.apply({ type: 'tick', nowMs: lastMs, silent: [], heard: [] }), null);
      }
    }
    if (!matched) return;
    const { bytes, start, end } = event;
    const found = this.#matcher.found(this.#redact(event), { bytes, start, end });
    const occurrence = `${this.#events} ${found.occurrence}`;
    this.#note(this.#engine.apply({ type: 'found', found: [{ ...found, occurrence }] }), where);
  }

  /** What each rule would have said, in their order. */
  report(): readonly RuleReplay[] {
    return this.#rules.map(({ name, config }) => {
      const state = this.#engine.states.get(name);
      const times = this.#firsts.get(name);
      return {
        name,
        severity: config.severity,
        enabled: config.enabled,
        matches: state?.matches ?? 0,
        alerts: times?.count ?? 0,
        firstAt: times === undefined ? '' : new Date(times.first).toISOString(),
        lastAt: times === undefined ? '' : new Date(times.last).toISOString(),
        evicted: state?.evicted ?? 0,
      };
    });
  }

  #redact(event: Event): Event {
    const verdict = this.#redaction.judge(event);
    if (verdict.type !== 'edit') return event;
    const length = applySplices(event.bytes, event.start, event.end, verdict.splices, this.#scratch);
    return this.#redacted.read(this.#scratch.bytes, 0, length) === null ? this.#redacted : event;
  }

  #note(notifications: readonly Notification[], where: Where | null): void {
    for (const notification of notifications) {
      const { rule, lastMs, status, summary } = notification;
      if (status === 'firing') {
        const times = this.#firsts.get(rule) ?? { count: 0, first: lastMs, last: lastMs };
        this.#firsts.set(rule, { count: times.count + 1, first: times.first, last: lastMs });
      }
      if (this.told.length < MAX_KEPT) this.told.push({ notification, summary: render(summary, plain), where });
      else this.more += 1;
    }
  }
}
