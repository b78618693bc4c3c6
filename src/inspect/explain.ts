import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import { applySplices } from '../event/splice.ts';
import type { Scratch } from '../event/splice.ts';
import { pathOfRange } from './event-path.ts';
import type { Where } from './event-walk.ts';
import type { Fate, OpenedFilter, Trial } from './opened-filter.ts';
import { deliveredBytes, fateOf } from './opened-filter.ts';

/** What a person knows an event by. Every text in it comes from outside. */
export interface Headline {
  readonly where: Where;
  readonly time: string;
  readonly auditID: string;
  readonly stage: string;
  readonly level: string;
  readonly verb: string;
  readonly user: string;
  readonly requestURI: string;
  readonly code: number;
}

/** One change to the bytes of an event. */
export interface Change {
  /** Path of the value that is changed or taken away. */
  readonly path: string;
  /** `redacted secret-data`, `trimmed managed-fields`; missing where the policy lowered the level, or something was added. */
  readonly what?: string;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Why an event is delivered or not, and what is changed in it. */
export interface Explanation {
  readonly event: Headline;
  readonly tried: readonly Trial[];
  readonly outcome: 'delivered' | 'dropped';
  /** The rule that decided; null where none did. */
  readonly rule: string | null;
  readonly bytesBefore: number;
  /** 0 where it is dropped. */
  readonly bytesAfter: number;
  readonly changes: readonly Change[];
  /** The event as it stands in the log, and as it is delivered; only where asked for, and `after` not if it is dropped. */
  readonly before?: string;
  readonly after?: string;
}

export function headlineOf(event: Event, where: Where): Headline {
  return {
    where,
    time: event.timeText(),
    auditID: event.text(SLOT.auditID),
    stage: event.text(SLOT.stage),
    level: event.text(SLOT.level),
    verb: event.text(SLOT.verb),
    user: event.text(SLOT['user.username']),
    requestURI: event.text(SLOT.requestURI),
    code: event.number(SLOT['responseStatus.code']),
  };
}

const SCRATCH: Scratch = { bytes: Buffer.alloc(0) };

/** Explains what a filter does to an event, with its bytes if they are wanted. */
export function explainEvent(opened: OpenedFilter, event: Event, where: Where, withBytes: boolean): Explanation {
  const { bytes, start, end } = event;
  const verdict = opened.filter.judge(event);
  const tried = opened.tried(event);
  const text = withBytes ? bytes.toString('utf8', start, end) : '';
  const base = {
    event: headlineOf(event, where),
    tried,
    bytesBefore: end - start,
    ...(withBytes ? { before: text } : {}),
  };
  if (verdict.type === 'drop') {
    const rule = opened.filter.rules[verdict.rule] ?? null;
    return { ...base, outcome: 'dropped', rule, bytesAfter: 0, changes: [] };
  }
  const delivered = { ...base, outcome: 'delivered', rule: opened.deliveredBy(event) } as const;
  if (verdict.type === 'pass')
    return { ...delivered, bytesAfter: end - start, changes: [], ...(withBytes ? { after: text } : {}) };
  const length = applySplices(bytes, start, end, verdict.splices, SCRATCH);
  const changes = verdict.splices.map((splice) => ({
    path: pathOfRange(bytes, start, end, splice.start, splice.end),
    ...(splice.mark == null ? {} : { what: `${splice.mark.what} ${splice.mark.kind}` }),
    bytesBefore: splice.end - splice.start,
    bytesAfter: splice.with.length,
  }));
  const after = withBytes ? { after: SCRATCH.bytes.toString('utf8', 0, length) } : {};
  return { ...delivered, bytesAfter: length, changes, ...after };
}

/** What another filter makes of an event. */
export interface Difference {
  readonly event: Headline;
  readonly kind: 'added' | 'hidden' | 'changed';
  /** The rule that drops it, or null where it is delivered. */
  readonly oldRule: string | null;
  readonly newRule: string | null;
  /** Bytes delivered. */
  readonly oldBytes: number;
  readonly newBytes: number;
}

const OTHER_SCRATCH: Scratch = { bytes: Buffer.alloc(0) };

/** The difference between two filters on one event; null where both deliver the same bytes, or neither any. */
export function compareFilters(
  before: OpenedFilter,
  after: OpenedFilter,
  event: Event,
  where: Where,
): Difference | null {
  const oldFate = fateOf(before, event);
  const newFate = fateOf(after, event);
  if (oldFate.outcome === 'dropped' && newFate.outcome === 'dropped') return null;
  const kind =
    newFate.outcome === 'dropped'
      ? 'hidden'
      : oldFate.outcome === 'dropped'
        ? 'added'
        : sameBytes(before, after, event);
  if (kind === 'same') return null;
  return {
    event: headlineOf(event, where),
    kind,
    oldRule: droppedBy(oldFate),
    newRule: droppedBy(newFate),
    oldBytes: oldFate.bytes,
    newBytes: newFate.bytes,
  };
}

function droppedBy({ outcome, rule }: Fate): string | null {
  return outcome === 'dropped' ? (rule ?? '-') : null;
}

function sameBytes(before: OpenedFilter, after: OpenedFilter, event: Event): 'changed' | 'same' {
  const old = deliveredBytes(before, event, SCRATCH);
  const now = deliveredBytes(after, event, OTHER_SCRATCH);
  return old !== null && now !== null && old.equals(now) ? 'same' : 'changed';
}
