import { createHash } from 'node:crypto';
import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import { networkOf } from './network.ts';
import { remembering } from './remembering.ts';

/** Reads one value of an event as text; the empty string where it is unset. */
export type ReadValue = (event: Event) => string;

const TEXTS = new Set([
  'level',
  'auditID',
  'stage',
  'requestURI',
  'verb',
  'user.username',
  'user.uid',
  'impersonatedUser.username',
  'impersonatedUser.uid',
  'userAgent',
  'objectRef.resource',
  'objectRef.namespace',
  'objectRef.name',
  'objectRef.uid',
  'objectRef.apiGroup',
  'objectRef.apiVersion',
  'objectRef.subresource',
  'responseStatus.status',
  'responseStatus.message',
  'responseStatus.reason',
  'requestReceivedTimestamp',
  'stageTimestamp',
]);
const LISTS = new Set(['user.groups', 'impersonatedUser.groups', 'sourceIPs']);
const BODIES = ['requestObject', 'responseObject'] as const;

/** Fields that have few values. */
const FEW = new Set(['stage', 'verb', 'user.username', 'userAgent', 'objectRef.resource', 'objectRef.namespace']);
const readUser = remembering(SLOT['user.username'], (event) => event.text(SLOT['user.username']));
const readResource = remembering(SLOT['objectRef.resource'], (event) => event.text(SLOT['objectRef.resource']));

/** Values that are made of fields. */
const MADE: Readonly<Record<string, ReadValue>> = {
  // The first address is what the client says of itself (X-Forwarded-For); only the last is the API server's own knowledge.
  sourceIP: remembering(SLOT.sourceIPs, (event) => event.list(SLOT.sourceIPs)[0] ?? ''),
  peerIP: remembering(SLOT.sourceIPs, (event) => event.list(SLOT.sourceIPs).at(-1) ?? ''),
  sourceNetwork: remembering(SLOT.sourceIPs, (event) => {
    return [...new Set(event.list(SLOT.sourceIPs).map(networkOf))].join(', ');
  }),
  requestPath: (event) => event.text(SLOT.requestURI).split('?', 1)[0] as string,
  // Whoever acts for somebody else is told by both.
  actor: (event) => {
    const user = readUser(event);
    return event.has(SLOT['impersonatedUser.username'])
      ? `${user} as ${event.text(SLOT['impersonatedUser.username'])}`
      : user;
  },
  resource: (event) => {
    const sub = event.text(SLOT['objectRef.subresource']);
    return `${readResource(event)}${sub === '' ? '' : `/${sub}`}`;
  },
};

/** A body that is larger than this is not parsed for the sake of a text. */
const MAX_BODY_BYTES = 1024 * 1024;

/** What reads the value that a rule names; null where there is no such field. */
export function readerOf(path: string): ReadValue | null {
  if (Object.hasOwn(MADE, path)) return MADE[path] as ReadValue;
  const slot = (SLOT as Readonly<Record<string, number>>)[path];
  const text = slotOf(path);
  if (text !== null) {
    const read: ReadValue = (event) => event.text(text);
    return FEW.has(path) ? remembering(text, read) : read;
  }
  if (slot !== undefined && LISTS.has(path)) return (event) => event.list(slot).join(', ');
  if (path === 'responseStatus.code') return (event) => String(event.number(SLOT['responseStatus.code']));
  const annotation = /^annotations\["([^"]+)"\]$/.exec(path)?.[1];
  if (annotation !== undefined) return (event) => event.annotation(annotation);
  const extra = /^(user|impersonatedUser)\.extra\["([^"]+)"\]$/.exec(path);
  if (extra !== null) return inside(SLOT[`${extra[1] as 'user' | 'impersonatedUser'}.extra`], [extra[2] as string]);
  const body = BODIES.find((one) => path.startsWith(`${one}.`));
  const keys = body === undefined ? null : path.slice(body.length + 1).split('.');
  if (body === undefined || keys === null || keys.some((key) => !/^[A-Za-z0-9_-]+$/.test(key))) return null;
  return inside(SLOT[body], keys);
}

/** The slot of a text field; null where it is none, or is made of several. */
export function slotOf(path: string): number | null {
  return TEXTS.has(path) ? SLOT[path as keyof typeof SLOT] : null;
}

/** Whether what the name reads is a name or an address, and no part of a body, an annotation or a message. */
export function isPlain(path: string): boolean {
  return path !== 'responseStatus.message' && VALUE_NAMES.includes(path);
}

/** The names that `readerOf` knows but for those inside bodies, annotations and extra: for a "did you mean". */
export const VALUE_NAMES: readonly string[] = [...TEXTS, ...LISTS, 'responseStatus.code', ...Object.keys(MADE)];

function inside(slot: number, keys: readonly string[]): ReadValue {
  return (event) => {
    if (!event.has(slot) || event.valueEnd(slot) - event.valueStart(slot) > MAX_BODY_BYTES) return '';
    let value: unknown = JSON.parse(event.bytes.toString('utf8', event.valueStart(slot), event.valueEnd(slot)));
    for (const key of keys) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return '';
      value = (value as Readonly<Record<string, unknown>>)[key];
    }
    if (Array.isArray(value)) return value.filter(isScalar).join(', ');
    return isScalar(value) ? String(value) : '';
  };
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** Longer texts of events are kept by their beginning, and a hash that tells them apart. */
const MAX_LENGTH = 160;

/** A text of bounded length that is another one for every other text. Clients choose names as long as they like. */
export function bounded(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${text.slice(0, MAX_LENGTH - 20).toWellFormed()}…#${hash}`;
}
