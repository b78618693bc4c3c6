import type { AlertRuleConfig } from '../config/alert-rule-schema.ts';
import type { Event } from '../event/event.ts';
import type { Template } from './template.ts';
import type { ReadValue } from './value.ts';

/** What a rule asks of an event. */
export type Test = (event: Event) => boolean;

/** One of the things that a rule asks; all of them have to hold. */
export interface RuleTest {
  readonly holds: Test;
  /** Whether it can throw, where an expression fails on an event. */
  readonly fails: boolean;
  /** The fields that it looks at, and at nothing else; null where it looks at more. */
  readonly slots: ReadonlySet<number> | null;
}

/** How a rule comes from matches to alerts. */
export type Kind =
  | { readonly type: 'each' }
  | { readonly type: 'count'; readonly count: number; readonly windowMs: number }
  | { readonly type: 'distinct'; readonly count: number; readonly windowMs: number }
  | { readonly type: 'firstSeen'; readonly learnMs: number; readonly learnNew: boolean }
  | { readonly type: 'silence'; readonly forMs: number }
  | { readonly type: 'repeatedId' }
  | { readonly type: 'clockJump'; readonly forwardMs: number; readonly backMs: number };

/** A rule that can judge events. */
export interface Rule {
  readonly name: string;
  /** Names what its state depends on: with another hash, the state of before is of no use. */
  readonly hash: string;
  readonly kind: Kind;
  readonly config: AlertRuleConfig;
  readonly stages: ReadonlySet<string>;
  readonly verbs: ReadonlySet<string> | null;
  /** Whether the rule looks at a resource, named as `pods/exec`; empty for a path that is none. */
  readonly resource: ((name: string) => boolean) | null;
  /** What it asks of an event of its stages, verbs and resources: what costs least first. */
  readonly tests: readonly RuleTest[];
  readonly group: readonly { readonly name: string; readonly read: ReadValue }[];
  /** What is counted, learnt or held together, beside the group. */
  readonly value: readonly ReadValue[];
  /** Whether group and value are made of names and addresses: no body, annotation or message has a part in them. */
  readonly plain: boolean;
  /** Fields of the name and of what has to stay the same under it (`repeatedId`). */
  readonly repeated: { readonly of: number; readonly by: readonly number[] } | null;
  readonly summary: Template;
  /** Values of the event that the summary needs. */
  readonly shown: readonly { readonly name: string; readonly read: ReadValue }[];
}

/** Whether the rule may see several stages of one request, and counts them as one. */
export function hasRequests({ stages, kind }: Rule): boolean {
  return stages.size > 1 && kind.type !== 'silence' && kind.type !== 'clockJump';
}
