import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Splice } from '../filter.ts';
import { ByteTable } from './byte-table.ts';
import { cutMember } from './cut.ts';
import { isObject, keyOf, type Member, memberAt, membersOf } from '../../event/json-walk.ts';
import { cutManagedFields } from './managed-fields.ts';
import { LEVELS, type Level } from './policy.ts';

/**
 * The splices that make an event what the API server would have written, had its policy said `level` (not `None`) and
 * `omitManagedFields`: bodies go, with the annotations that are written from level Request on only, and the level is
 * renamed. An event that is at that level or below stays as it is but for managed fields; nothing is ever raised.
 * The splices are sorted; an empty list where nothing is to be changed.
 */
export function downgrade(event: Event, level: Level, omitManagedFields: boolean): readonly Splice[] {
  const rank = LEVELS.indexOf(level);
  const cutsRequest = rank < REQUEST;
  const cutsResponse = rank < REQUEST_RESPONSE;
  const recorded = recordedRank(event);
  const isWithin = recorded !== -1 && recorded <= rank;
  // Bodies are cut by the rule alone, whatever the event says of its level: none passes a rule that forbids it.
  const hasRequest = event.valueStart(SLOT.requestObject) !== -1;
  const hasResponse = event.valueStart(SLOT.responseObject) !== -1;
  if (isWithin && !(hasRequest && (cutsRequest || omitManagedFields))) {
    if (!(hasResponse && (cutsResponse || omitManagedFields))) return NO_SPLICES;
  }
  const splices: Splice[] = [];
  const top: Member[] = [];
  if (recorded > rank) renameLevel(event, level, splices);
  if (cutsRequest) take(event, SLOT.requestObject, top);
  // A patch is recorded as the client sent it, managed fields and all.
  else if (omitManagedFields && event.text(SLOT.verb) !== 'patch') cutManagedFields(event, SLOT.requestObject, splices);
  if (cutsResponse) take(event, SLOT.responseObject, top);
  else if (omitManagedFields) cutManagedFields(event, SLOT.responseObject, splices);
  if (cutsRequest && !isWithin) cutAnnotations(event, top, splices);
  for (const member of top.sort(byStart)) cutMember(event.bytes, member, splices);
  return splices.length > 1 ? splices.sort(byStart) : splices;
}

function byStart(one: { readonly start: number }, other: { readonly start: number }): number {
  return one.start - other.start;
}

const NO_SPLICES: readonly Splice[] = [];
const RANKS = new ByteTable<number>(LEVELS.map((level, rank) => [level, rank]));

/** Of what the event says of its level; -1 where it says nothing that is known. */
function recordedRank(event: Event): number {
  const start = event.valueStart(SLOT.level);
  if (start === -1) return -1;
  // Behind the ??: what is written with escapes, as the API server never does.
  const rank = RANKS.get(event.bytes, start + 1, event.valueEnd(SLOT.level) - 1);
  return rank ?? LEVELS.indexOf(event.text(SLOT.level) as Level);
}

const REQUEST = LEVELS.indexOf('Request');
const REQUEST_RESPONSE = LEVELS.indexOf('RequestResponse');
const LEVEL_VALUES = new Map(LEVELS.map((level) => [level, Buffer.from(JSON.stringify(level))]));

function renameLevel(event: Event, level: Level, splices: Splice[]): void {
  const value = LEVEL_VALUES.get(level) as Buffer;
  splices.push({ start: event.valueStart(SLOT.level), end: event.valueEnd(SLOT.level), with: value });
}

/** Adds a member of the event itself, where it is there. */
function take(event: Event, slot: number, into: Member[]): void {
  const value = event.valueStart(slot);
  if (value !== -1) into.push(memberAt(event.bytes, value, event.valueEnd(slot)));
}

/**
 * Patches that admission webhooks made are recorded from level Request on (plugin/webhook/mutating/dispatcher.go);
 * `truncated` says that bodies were left out, of which there are none at level Metadata.
 */
function cutAnnotations(event: Event, top: Member[], splices: Splice[]): void {
  const start = event.valueStart(SLOT.annotations);
  if (start === -1 || !isObject(event.bytes, start)) return;
  let isOneKept = false;
  const cut: Member[] = [];
  for (const member of membersOf(event.bytes, start)) {
    const key = keyOf(event.bytes, member);
    if (key.startsWith('patch.webhook.admission.k8s.io/') || key === 'audit.k8s.io/truncated') cut.push(member);
    else isOneKept = true;
  }
  if (cut.length === 0) return;
  if (isOneKept) for (const member of cut) cutMember(event.bytes, member, splices);
  else take(event, SLOT.annotations, top);
}
