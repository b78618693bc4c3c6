import type { Facts } from './match.ts';

/** One alert of a rule: matches of one group, since it began. */
export interface AlertState {
  readonly group: readonly string[];
  readonly startsMs: number;
  lastMs: number;
  toldMs: number;
  /** How often it was told. */
  told: number;
  count: number;
  shown: Readonly<Record<string, string>>;
  /** Time of the newest match of which it shows something. */
  shownMs: number;
  values: string;
  facts: readonly Facts[];
}

/** The newest events that an alert shows. */
const MAX_FACTS = 3;

/** Shows this match, if there is something to show of it. */
export function show(
  alert: AlertState,
  shown: Readonly<Record<string, string>>,
  facts: Facts | null,
  timeMs: number,
): void {
  if (facts === null) return;
  alert.shown = shown;
  alert.shownMs = timeMs;
  alert.facts = [...alert.facts, facts].slice(-MAX_FACTS);
}
