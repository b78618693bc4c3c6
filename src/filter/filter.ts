import type { Event } from '../event/event.ts';
import type { Splice } from '../event/splice.ts';

export type { Splice };

/** One kind of cut. The event says in an annotation how many of it were made, and the ledger counts them. */
export interface Mark {
  readonly what: 'redacted' | 'trimmed';
  /** `secret-data`, `managed-fields`, `path` … */
  readonly kind: string;
}

/** A cut; without a mark where it tells of itself, as a policy does by lowering the level. */
export interface MarkedSplice extends Splice {
  readonly mark?: Mark | null;
}

/** What a throttle has said of events before, so that they are decided as they were. */
export interface ThrottleMemory {
  /** Of the next event: the index of the rule that keeps it back, -1 where none does, undefined where it was not asked. */
  recall(): number | undefined;
  note(answer: number): void;
}

/** What a filter says of an event. `rule` is an index into the filter's `rules`. */
export type Verdict =
  | { readonly type: 'pass' }
  | { readonly type: 'drop'; readonly rule: number }
  | { readonly type: 'edit'; readonly splices: readonly MarkedSplice[] };

/** A filter of one output: a pure function of the event, but for its throttle. */
export interface Filter {
  /** Names what decided: changes when, and only when, the decisions may change. */
  readonly hash: string;
  /** Names of the rules that a verdict can refer to. */
  readonly rules: readonly string[];
  /** `memory` is asked before a throttle, and told what it says. */
  judge(event: Event, memory?: ThrottleMemory): Verdict;
  /** How often an expression failed on an event since the start; such an event was kept by it. */
  failures(): number;
}
