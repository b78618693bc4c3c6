import { hash } from 'node:crypto';
import { type AlertState, show } from './alert-state.ts';
import type { Facts, RuleMatch } from './match.ts';
import type { Notification } from './notification.ts';
import type { Rule } from './rule.ts';
import type { RuleState } from './rule-state.ts';
import { fill, type Piece, plain } from './template.ts';

const SEPARATOR = '\u0000';

/** Why an alert begins or goes on. */
export interface Trigger {
  readonly match: RuleMatch;
  readonly facts: Facts | null;
  readonly timeMs: number;
  readonly count: number;
  readonly values: string;
  readonly startsMs?: number;
}

/** Begins alerts, lets them go on and ends them, and says when somebody is to be told. */
export class AlertBook {
  readonly #source: string;
  #notifications: Notification[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  /** What has to be told since the last call. */
  take(): readonly Notification[] {
    const taken = this.#notifications;
    this.#notifications = [];
    return taken;
  }

  trigger(rule: Rule, state: RuleState, trigger: Trigger): void {
    const { match, facts, timeMs, count, values, startsMs = timeMs } = trigger;
    const key = keyOf(match.group);
    let alert = state.alerts.touch(key);
    if (alert !== undefined && isOver(rule, alert, timeMs)) {
      this.end(rule, state, key);
      alert = undefined;
    }
    if (alert === undefined) {
      const { group, shown } = match;
      alert = { group, startsMs, lastMs: timeMs, toldMs: timeMs, told: 0, count, shown, shownMs: 0, values, facts: [] };
      state.alerts.set(key, alert);
      // Found as one of an alert that went on, it has nothing to show; the clock has ended that alert while it waited.
      if (facts === null) Object.assign(alert, state.ended.peek(key));
    } else {
      alert.count = rule.kind.type === 'distinct' ? Math.max(alert.count, count) : alert.count + 1;
      // A clock that was set back must not make an alert last until it has come forward again.
      alert.lastMs = Math.abs(timeMs - alert.lastMs) > rule.config.repeat ? timeMs : Math.max(alert.lastMs, timeMs);
      alert.values = values;
    }
    state.lastMs = alert.lastMs;
    show(alert, match.shown, facts, timeMs);
    if (alert.told > 0 && Math.abs(timeMs - alert.toldMs) < rule.config.repeat) return;
    alert.toldMs = timeMs;
    this.#tell(rule, state, alert, 'firing');
  }

  /** The alert is over; that is told where the rule says so, or where only this makes an end of it. */
  end(rule: Rule, state: RuleState, key: string): void {
    const alert = state.alerts.peek(key);
    if (alert === undefined) return;
    state.alerts.delete(key);
    if (alert.facts.length > 0) state.ended.set(key, showing(alert));
    if (resolveMs(rule) !== null) this.#tell(rule, state, alert, 'resolved');
  }

  #tell(rule: Rule, state: RuleState, alert: AlertState, status: Notification['status']): void {
    const source = this.#source;
    const { config } = rule;
    alert.told += 1;
    state.notifications += 1;
    const names = rule.group.map(({ name }) => name);
    const fingerprint = digest([source, rule.name, ...alert.group]).slice(0, 16);
    this.#notifications.push({
      id: digest([fingerprint, String(alert.startsMs), String(alert.told), status]),
      status,
      rule: rule.name,
      severity: config.severity,
      source,
      fingerprint,
      group: Object.fromEntries(alert.group.map((value, at) => [names[at] ?? 'value', plain(value)])),
      labels: config.labels,
      summary: this.#summary(rule, alert),
      description: config.description,
      action: config.action ?? '',
      techniques: config.techniques,
      runbook: config.runbook ?? '',
      startsMs: alert.startsMs,
      lastMs: alert.lastMs,
      count: alert.count,
      lastsMs: config.repeat + (resolveMs(rule) ?? 0),
      events: alert.facts,
    });
  }

  #summary(rule: Rule, alert: AlertState): readonly Piece[] {
    const { kind, config } = rule;
    return fill(rule.summary, (name) => {
      switch (name) {
        case 'count':
        case 'distinct':
          return String(alert.count);
        case 'window':
          return kind.type === 'count' || kind.type === 'distinct' ? seconds(kind.windowMs) : '';
        case 'duration':
          return kind.type === 'silence' ? seconds(kind.forMs) : seconds(alert.lastMs - alert.startsMs);
        case 'rule':
          return rule.name;
        case 'severity':
          return config.severity;
        case 'values':
          return plain(alert.values);
        default: {
          const at = rule.group.findIndex((one) => one.name === name);
          return alert.shown[name] ?? plain(alert.group[at] ?? '');
        }
      }
    });
  }
}

function showing({ shown, facts, shownMs }: AlertState): Pick<AlertState, 'shown' | 'facts' | 'shownMs'> {
  return { shown, facts, shownMs };
}

export function keyOf(group: readonly string[]): string {
  const [only] = group;
  if (group.length === 1 && only !== undefined && !only.includes(SEPARATOR)) return only;
  // Names hold whatever clients like: none may end where another begins.
  return group.map((value) => (value.includes(SEPARATOR) ? JSON.stringify(value) : value)).join(SEPARATOR);
}

/** How long nothing may have come until an alert is told to be over; null where that is never told. */
function resolveMs({ config, kind }: Rule): number | null {
  if (config.resolve !== undefined) return config.resolve;
  if (kind.type === 'silence') return 0;
  return kind.type === 'count' || kind.type === 'distinct' ? Math.max(kind.windowMs, 60_000) : null;
}

/** Whether an alert will go on for some time yet, and nobody is to be told of it until then. */
export function goesOn(rule: Rule, alert: AlertState, nowMs: number): boolean {
  const { repeat } = rule.config;
  return Math.abs(nowMs - alert.toldMs) < repeat / 2 && nowMs - alert.lastMs < (resolveMs(rule) ?? repeat) / 2;
}

export function isOver(rule: Rule, alert: AlertState, nowMs: number): boolean {
  if (rule.kind.type === 'silence') return false;
  const resolve = resolveMs(rule);
  return resolve === null ? nowMs - alert.toldMs >= rule.config.repeat : nowMs - alert.lastMs >= resolve;
}

function digest(parts: readonly string[]): string {
  return hash('sha256', parts.join(SEPARATOR), 'hex').slice(0, 32);
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  if (whole < 120) return `${whole} s`;
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`;
}
