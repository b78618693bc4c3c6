import { createHash } from 'node:crypto';
import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Edits } from '../edits.ts';
import type { Mark, Splice } from '../filter.ts';
import { cutManagedFields } from '../policy/managed-fields.ts';
import { type FieldPath, writePath } from './field-path.ts';
import { PathFinder } from './path-finder.ts';

export interface TrimConfig {
  /** Whether `metadata.managedFields` of bodies goes, as a Policy's `omitManagedFields` has it. */
  readonly managedFields: boolean;
  /** Members that go, key and value. None ends with `[]`. */
  readonly paths: readonly FieldPath[];
}

/** Takes out of events what costs more than it tells. */
export interface Trimmer {
  /** Names what decides: changes when, and only when, what is trimmed may change. */
  readonly hash: string;
  /** Adds what is to go to the edits. */
  find(event: Event, edits: Edits): void;
}

const MANAGED_FIELDS: Mark = { what: 'trimmed', kind: 'managed-fields' };
const PATH: Mark = { what: 'trimmed', kind: 'path' };

export function createTrimmer({ managedFields, paths }: TrimConfig): Trimmer {
  const finder = paths.length === 0 ? null : new PathFinder(paths);

  const canonical = JSON.stringify({ managedFields, paths: paths.map(writePath).sort() });
  return {
    hash: managedFields || finder !== null ? createHash('sha256').update(canonical).digest('hex').slice(0, 16) : 'none',
    find(event, edits) {
      if (managedFields) {
        trimBody(event, SLOT.requestObject, edits);
        trimBody(event, SLOT.responseObject, edits);
      }
      finder?.find(event, (member, _start, end) => edits.removeMember(event.bytes, member, end, PATH));
    },
  };
}

function trimBody(event: Event, slot: number, edits: Edits): void {
  const splices: Splice[] = [];
  cutManagedFields(event, slot, splices);
  for (const splice of splices) edits.replace(splice.start, splice.end, splice.with, MANAGED_FIELDS);
}
