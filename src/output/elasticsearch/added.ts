import { valueEnd } from '../../event/json-walk.ts';
import type { Batch } from '../../pipeline/batch.ts';
import type { Repaired } from '../invalid-utf8.ts';
import type { Metadata } from '../metadata.ts';

/** What the agent tells of an event beside it, under `auditail`. */
export interface Added {
  readonly invalidUtf8?: { readonly count: number; readonly at: string };
  /** The keys of the annotations as they were, in order, where the document does not show it by itself (`format: ecs`). */
  readonly annotationKeys?: readonly string[];
}

/** `"auditail":{…},`, the first member of a document; nothing where there is nothing to tell. */
export function addedText(metadata: Metadata, repaired: Repaired | null, annotationKeys?: readonly string[]): string {
  const added = {
    ...metadata,
    ...(repaired === null ? {} : { invalidUtf8: { count: repaired.count, at: repaired.at } }),
    ...(annotationKeys === undefined ? {} : { annotationKeys }),
  };
  return Object.keys(added).length === 0 ? '' : `${MEMBER}${asciiJson(added)},`;
}

const MEMBER = '"auditail":';

/** The same, read from an item of a batch. */
export function addedTo(batch: Batch, item: number): Added {
  const start = batch.bytes.indexOf(0x0a, batch.itemStart(item)) + 2; // behind the action and the opening brace
  if (batch.bytes.toString('latin1', start, start + MEMBER.length) !== MEMBER) return {};
  const value = start + MEMBER.length;
  return JSON.parse(batch.bytes.toString('latin1', value, valueEnd(batch.bytes, value))) as Added;
}

/** JSON in which everything beyond ASCII is escaped, so that it can be written a byte a character. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
