import { createHash } from 'node:crypto';
import type { Event } from '../../event/event.ts';
import { type FieldName, SLOT } from '../../event/field.ts';
import { TokenBuckets } from './token-buckets.ts';

/** Fields that tell one key from another. A list counts as a whole. */
export const KEY_FIELDS = [
  'user.username',
  'user.groups',
  'impersonatedUser.username',
  'verb',
  'stage',
  'level',
  'userAgent',
  'sourceIPs',
  'objectRef.apiGroup',
  'objectRef.resource',
  'objectRef.subresource',
  'objectRef.namespace',
  'objectRef.name',
  'responseStatus.code',
] as const satisfies readonly FieldName[];

export type KeyField = (typeof KEY_FIELDS)[number];

export interface ThrottleRule {
  /** Names the rule in the ledger. */
  readonly name: string;
  /** Which events it counts; all where it is missing. It may fail on an event, which is then not throttled. */
  readonly when?: { readonly text: string; readonly holds: (event: Event) => boolean };
  /** Events that are alike in these fields share a bucket; without any, all do. */
  readonly key: readonly KeyField[];
  /** Tokens a second, and the most that gather. Each event takes one. */
  readonly qps: number;
  readonly burst: number;
}

/** Lets so many events of a kind through, by their own time. What it keeps back is counted by the name of the rule. */
export interface Throttle {
  /** Names what decides: changes when, and only when, what passes may change. */
  readonly hash: string;
  readonly rules: readonly string[];
  /** Index of the rule that keeps the event back, -1 where none does. */
  check(event: Event): number;
  /** How often a `when` failed on an event since the start. */
  failures(): number;
}

/** For one rule; about 20 MB when keys are long. */
const MAX_KEYS = 65_536;
/** Longer keys are hashed, so that the memory they take is bounded. */
const MAX_KEY_LENGTH = 256;

export function createThrottle(rules: readonly ThrottleRule[]): Throttle {
  const limits = rules.map(({ when, key, qps, burst }) => ({
    holds: when?.holds,
    slots: key.map((field) => SLOT[field]),
    buckets: new TokenBuckets(qps, burst, MAX_KEYS),
  }));
  let failures = 0;

  function holds(rule: ((event: Event) => boolean) | undefined, event: Event): boolean {
    if (rule === undefined) return true;
    try {
      return rule(event);
    } catch {
      // As of a drop rule: what can't be decided is let through, and counted.
      failures += 1;
      return false;
    }
  }

  return {
    hash: hashOf(rules),
    rules: rules.map(({ name }) => name),
    failures: () => failures,
    check(event) {
      for (const [index, limit] of limits.entries()) {
        if (!holds(limit.holds, event)) continue;
        const timeMs = Number(event.timeNs() / 1000n) / 1000;
        if (!limit.buckets.take(keyOf(event, limit.slots), timeMs)) return index;
      }
      return -1;
    },
  };
}

/** The values as they are written; no two different ones are written alike by one API server. */
function keyOf(event: Event, slots: readonly number[]): string {
  let key = '';
  for (const slot of slots) {
    const start = event.valueStart(slot);
    key += start === -1 ? '\n' : `${event.bytes.toString('latin1', start, event.valueEnd(slot))}\n`;
  }
  return key.length > MAX_KEY_LENGTH ? createHash('sha256').update(key).digest('base64') : key;
}

function hashOf(rules: readonly ThrottleRule[]): string {
  if (rules.length === 0) return 'none';
  const canonical = rules.map(({ when, key, qps, burst }) => ({ when: when?.text.trim() ?? '', key, qps, burst }));
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex').slice(0, 16);
}
