import type { Event } from '../../event/event.ts';
import type { Splice } from '../filter.ts';
import { equals } from './byte-table.ts';
import { cutMember } from './cut.ts';
import { isArray, isObject, keyOf, membersOf, skipSpace, stringEnd, valueEnd } from '../../event/json-walk.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const CLOSE_ARRAY = 0x5d;

const MANAGED_FIELDS = Buffer.from('managedFields');
const METADATA = Buffer.from('metadata');
const ITEMS = Buffer.from('items');
const ROWS = Buffer.from('rows');
const OBJECT = Buffer.from('object');

/** What an object is, and so which of its members are of interest. */
type Place = 'body' | 'object' | 'metadata' | 'row';

const OF_A_ROW = 2;

/**
 * Adds the splices that take the managed fields out of a body, where k8s.io/apiserver/pkg/audit/request.go
 * (`copyWithoutManagedFields`) takes them out: of the object itself, of the items of a list, of the objects in the rows of
 * a `meta.k8s.io` Table. Fields of that name anywhere else stay.
 */
export function cutManagedFields(event: Event, slot: number, splices: Splice[]): void {
  const start = event.valueStart(slot);
  if (start === -1) return;
  const end = event.valueEnd(slot);
  const met = event.managedFields();
  if (met !== null) cutMet(event.bytes, start, end, met, splices);
  else walkForManagedFields(event.bytes, start, end, splices);
}

/** Most of what stands in a trail has been met by the scan. */
function cutMet(bytes: Buffer, bodyStart: number, bodyEnd: number, met: Int32Array, splices: Splice[]): void {
  let table: boolean | null = null;
  for (let at = 0; at < met.length; at += 3) {
    const start = met[at] as number;
    const end = met[at + 1] as number;
    if (start < bodyStart || end > bodyEnd) continue;
    if (met[at + 2] === OF_A_ROW && !(table ??= isTable(bytes, bodyStart))) continue;
    cutMember(bytes, { start, end }, splices);
  }
}

/** The same, of a body that has been scanned only. */
export function walkForManagedFields(bytes: Buffer, start: number, end: number, splices: Splice[]): void {
  // The API server writes keys without escapes. Most bodies have none, and that is soon seen.
  const body = bytes.subarray(start, end);
  if (!isObject(bytes, start) || body.indexOf(MANAGED_FIELDS) === -1) return;
  cutFrom(bytes, start, 'body', splices, body);
}

/** Walks over the value at `start` once and gives its end. */
function cutFrom(bytes: Buffer, start: number, place: Place, splices: Splice[], body: Buffer): number {
  if (!isObject(bytes, start)) return valueEnd(bytes, start);
  let at = skipSpace(bytes, start + 1);
  let hasMany = false;
  while (bytes[at] === QUOTE) {
    const key = at;
    const keyEnd = stringEnd(bytes, key);
    const value = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
    const inside = placeOf(place, bytes, key + 1, keyEnd - 1);
    if (inside === 'cut') {
      at = valueEnd(bytes, value);
      cutMember(bytes, { start: key, end: at }, splices);
    } else if (inside === 'none') at = valueEnd(bytes, value);
    else if (inside === 'items' || inside === 'rows') {
      hasMany = true;
      const isMeant = inside === 'items' || isTable(bytes, start);
      at = isMeant ? cutFromAll(bytes, value, inside, splices, body) : valueEnd(bytes, value);
    } else {
      at = cutFrom(bytes, value, inside, splices, body);
      // Of most objects, nothing behind their metadata is of interest.
      const bodyStart = body.byteOffset - bytes.byteOffset;
      if (place === 'body' && !hasMany && body.indexOf(MANAGED_FIELDS, at - bodyStart) === -1) return at;
    }
    at = skipSpace(bytes, at);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return at + 1;
}

function cutFromAll(bytes: Buffer, start: number, of: 'items' | 'rows', splices: Splice[], body: Buffer): number {
  if (!isArray(bytes, start)) return valueEnd(bytes, start);
  let at = skipSpace(bytes, start + 1);
  while (bytes[at] !== CLOSE_ARRAY) {
    at = skipSpace(bytes, cutFrom(bytes, at, of === 'items' ? 'object' : 'row', splices, body));
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return at + 1;
}

/** What is to be done with the member of this key. */
function placeOf(
  around: Place,
  bytes: Buffer,
  start: number,
  end: number,
): 'none' | 'cut' | 'metadata' | 'object' | 'items' | 'rows' {
  switch (around) {
    case 'metadata':
      return equals(MANAGED_FIELDS, bytes, start, end) ? 'cut' : 'none';
    case 'row':
      return equals(OBJECT, bytes, start, end) ? 'object' : 'none';
    case 'object':
      return equals(METADATA, bytes, start, end) ? 'metadata' : 'none';
    case 'body':
      if (equals(METADATA, bytes, start, end)) return 'metadata';
      if (equals(ITEMS, bytes, start, end)) return 'items';
      return equals(ROWS, bytes, start, end) ? 'rows' : 'none';
  }
}

function isTable(bytes: Buffer, start: number): boolean {
  let kind: unknown;
  let apiVersion: unknown;
  for (const member of membersOf(bytes, start)) {
    const key = keyOf(bytes, member);
    if (key !== 'kind' && key !== 'apiVersion') continue;
    const value: unknown = JSON.parse(bytes.toString('utf8', member.value, member.end));
    if (key === 'kind') kind = value;
    else apiVersion = value;
  }
  return kind === 'Table' && typeof apiVersion === 'string' && apiVersion.startsWith('meta.k8s.io/');
}
