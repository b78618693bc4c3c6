import type { Splice } from '../filter.ts';
import { cutMember } from './cut.ts';
import { isArray, isObject, itemsOf, keyOf, type Member, membersOf } from './json-walk.ts';

const MANAGED_FIELDS = Buffer.from('"managedFields"');

/**
 * Adds the splices that take the managed fields out of a body, where k8s.io/apiserver/pkg/audit/request.go
 * (`copyWithoutManagedFields`) takes them out: of the object itself, of the items of a list, of the objects in the rows of
 * a `meta.k8s.io` Table. Fields of that name anywhere else stay.
 */
export function cutManagedFields(bytes: Buffer, start: number, end: number, splices: Splice[]): void {
  // The API server writes keys without escapes, and within a string a quote is escaped: without this text, no such key.
  const body = bytes.subarray(start, end);
  if (!isObject(bytes, start) || body.indexOf(MANAGED_FIELDS) === -1) return;
  let items: Member | undefined;
  let rows: Member | undefined;
  let kind = '';
  let apiVersion = '';
  for (const member of membersOf(bytes, start)) {
    switch (keyOf(bytes, member)) {
      case 'kind':
        kind = textOf(bytes, member);
        break;
      case 'apiVersion':
        apiVersion = textOf(bytes, member);
        break;
      case 'metadata':
        cutFromMetadata(bytes, member.value, splices);
        // Of most objects, nothing behind their metadata is of interest.
        if (rows === undefined && items === undefined && body.indexOf(MANAGED_FIELDS, member.end - start) === -1)
          return;
        break;
      case 'items':
        items = member;
        break;
      case 'rows':
        rows = member;
        break;
      default:
    }
  }
  if (items !== undefined && isArray(bytes, items.value)) cutFromItems(bytes, items.value, splices);
  const isTable = kind === 'Table' && apiVersion.startsWith('meta.k8s.io/');
  if (isTable && rows !== undefined && isArray(bytes, rows.value)) cutFromRows(bytes, rows.value, splices);
}

function cutFromItems(bytes: Buffer, start: number, splices: Splice[]): void {
  for (const item of itemsOf(bytes, start)) cutFromObject(bytes, item, splices);
}

function cutFromRows(bytes: Buffer, start: number, splices: Splice[]): void {
  for (const row of itemsOf(bytes, start)) {
    if (!isObject(bytes, row)) continue;
    for (const member of membersOf(bytes, row)) {
      if (keyOf(bytes, member) === 'object') cutFromObject(bytes, member.value, splices);
    }
  }
}

function cutFromObject(bytes: Buffer, start: number, splices: Splice[]): void {
  if (!isObject(bytes, start)) return;
  for (const member of membersOf(bytes, start)) {
    if (keyOf(bytes, member) === 'metadata') cutFromMetadata(bytes, member.value, splices);
  }
}

function cutFromMetadata(bytes: Buffer, start: number, splices: Splice[]): void {
  if (!isObject(bytes, start)) return;
  for (const member of membersOf(bytes, start)) {
    if (keyOf(bytes, member) === 'managedFields') cutMember(bytes, member, splices);
  }
}

function textOf(bytes: Buffer, { value, end }: Member): string {
  return bytes[value] === 0x22 ? (JSON.parse(bytes.toString('utf8', value, end)) as string) : '';
}
