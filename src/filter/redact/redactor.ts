import { createHash } from 'node:crypto';
import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Edits } from '../edits.ts';
import { equals } from '../text-test.ts';
import { type FieldPath, writePath } from '../trim/field-path.ts';
import { PathFinder } from '../trim/path-finder.ts';
import { carryBack, decodeJson, quoteJson } from './decoded.ts';
import { findInDocument } from './document.ts';
import { type Finding, wholeValue, within } from './finding.ts';
import { REDACTION_MARKS } from './kinds.ts';
import { findInUri, mayHoldSecretsAt } from './request-uri.ts';
import { isSuspicious, mayHoldSecret } from './suspicion.ts';
import type { Subject } from './walk.ts';

export interface RedactConfig {
  readonly enabled: boolean;
  /** Values that go beside those that always do. */
  readonly paths: readonly FieldPath[];
}

/** Takes out of events what must not reach a store. Keys stay, values go; each is counted by its kind. */
export interface Redactor {
  /** Names what decides: changes when, and only when, what is redacted may change. */
  readonly hash: string;
  /** Adds what is secret in the event to the edits. */
  find(event: Event, edits: Edits): void;
}

/** Goes up with every change of what is redacted without being configured. */
const RULES = 1;

const ofSecrets = equals(SLOT['objectRef.resource'], 'secrets');
const ofTokenReviews = equals(SLOT['objectRef.resource'], 'tokenreviews');
const ofServiceAccounts = equals(SLOT['objectRef.resource'], 'serviceaccounts');
const ofTokens = equals(SLOT['objectRef.subresource'], 'token');
const isPatch = equals(SLOT.verb, 'patch');

/** `{"metadata":{},"code":200}` */
const SHORT_STATUS = 40;

export function createRedactor({ enabled, paths }: RedactConfig): Redactor {
  const finder = paths.length === 0 ? null : new PathFinder(paths);

  function find(event: Event, edits: Edits): void {
    findUri(event, edits);
    const subject = subjectOf(event);
    const marks = event.marks();
    if ((marks !== 0 || subject !== 'other') && isWorthALook(event, marks, subject)) {
      for (const finding of findClosely(event, subject)) addFinding(edits, finding, event.start);
    }
    finder?.find(event, (_member, start, end) => addFinding(edits, wholeValue(event.bytes, start, end, 'path')));
  }

  const canonical = JSON.stringify({ rules: RULES, paths: paths.map(writePath).sort() });
  return {
    hash: enabled ? createHash('sha256').update(canonical).digest('hex').slice(0, 16) : 'none',
    find: enabled ? find : () => undefined,
  };
}

function isWorthALook(event: Event, marks: number, subject: Subject): boolean {
  const own = event.bytes.subarray(event.start, event.end);
  if (isSuspicious(own, marks)) return true;
  const quotes =
    event.valueStart(SLOT.requestObject) !== -1 || event.valueStart(SLOT.responseObject) !== -1 || saysMore(event);
  return quotes && (subject !== 'other' || mayHoldSecret(own, marks, isPatch(event)));
}

function addFinding(edits: Edits, { start, end, kind, by }: Finding, from = 0): void {
  edits.replace(from + start, from + end, Buffer.from(by), REDACTION_MARKS[kind]);
}

function subjectOf(event: Event): Subject {
  if (ofSecrets(event)) return 'secret';
  return ofTokenReviews(event) || (ofServiceAccounts(event) && ofTokens(event)) ? 'token' : 'other';
}

/** Whether there is a status with words, or what a webhook did: such may quote a body where there is none. */
function saysMore(event: Event): boolean {
  const start = event.valueStart(SLOT.responseStatus);
  return start !== -1 && event.valueEnd(SLOT.responseStatus) - start > SHORT_STATUS;
}

function findUri(event: Event, edits: Edits): void {
  const start = event.valueStart(SLOT.requestURI) + 1;
  if (start === 0 || event.bytes[start - 1] !== 0x22) return;
  const end = event.valueEnd(SLOT.requestURI) - 1;
  if (!mayHoldSecretsAt(event.bytes, start, end)) return;
  const decoded = decodeJson(event.bytes, start, end);
  if (decoded === null) {
    addFinding(edits, within(start, end, 'uri'));
    return;
  }
  const findings = findInUri(decoded.bytes.toString('latin1'));
  for (const finding of carryBack(findings, decoded, quoteJson)) addFinding(edits, finding);
}

/** Positions count from the start of the event. */
function findClosely(event: Event, subject: Subject): readonly Finding[] {
  const own = event.bytes.subarray(event.start, event.end);
  const { findings, unclaimed } = findInDocument(own, 0, subject);
  if (subject !== 'other' || unclaimed.length === 0 || !isPatch(event)) return findings;
  // A patch need not say the kind of what it changes. Where the answer shows a Secret, the patch is taken to be of it.
  const isInAnswer = ({ start }: Finding) => liesIn(event, SLOT.responseObject, start);
  if (!findings.some((finding) => finding.kind === 'secret-data' && isInAnswer(finding))) return findings;
  return [...findings, ...unclaimed.filter(({ start }) => liesIn(event, SLOT.requestObject, start))];
}

function liesIn(event: Event, slot: number, position: number): boolean {
  const at = event.start + position;
  return event.valueStart(slot) <= at && at < event.valueEnd(slot);
}
