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
  values: string;
  facts: readonly Facts[];
}

/** The newest events that an alert shows. */
const MAX_FACTS = 3;

export function addFacts(alert: AlertState, facts: Facts | null): void {
  if (facts !== null) alert.facts = [...alert.facts, facts].slice(-MAX_FACTS);
}
