import type { Event } from '../event/event.ts';
import type { Splice } from '../event/splice.ts';

export type { Splice };

/** What a filter says of an event. `rule` is an index into the filter's `rules`. */
export type Verdict =
  | { readonly type: 'pass' }
  | { readonly type: 'drop'; readonly rule: number }
  | { readonly type: 'edit'; readonly splices: readonly Splice[] };

/** A filter of one output: a pure function of the event. */
export interface Filter {
  /** Names what decided: changes when, and only when, the decisions may change. */
  readonly hash: string;
  /** Names of the rules that a verdict can refer to. */
  readonly rules: readonly string[];
  judge(event: Event): Verdict;
  /** How often an expression failed on an event since the start; such an event was kept by it. */
  failures(): number;
}
