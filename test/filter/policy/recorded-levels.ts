import { join } from 'node:path';
import { applySplices } from '../../../src/event/splice.ts';
import { downgrade } from '../../../src/filter/policy/downgrade.ts';
import type { Level } from '../../../src/filter/policy/policy.ts';
import { eventOf } from '../../event/event-of.ts';
import { REPOSITORY } from '../../support/source-files.ts';

/** The same requests as API servers of different policies recorded them, without times, ids and the like. */
export interface RecordedLevels {
  /** All that there is to record. */
  readonly full: readonly string[];
  readonly lowered: {
    readonly level: Level;
    readonly omitManagedFields: boolean;
    readonly events: readonly string[];
  }[];
}

export const LOWER: readonly { readonly level: Level; readonly omitManagedFields: boolean }[] = [
  { level: 'RequestResponse', omitManagedFields: true },
  { level: 'Request', omitManagedFields: false },
  { level: 'Request', omitManagedFields: true },
  { level: 'Metadata', omitManagedFields: false },
];

/** Written by `AUDITAIL_RECORD=1 npx vitest run --config vitest.real.config.ts test/filter/policy/downgrade.real.test.ts`. */
export const FIXTURE = join(REPOSITORY, 'test/fixtures/policy/levels.json');

/** A line as it goes on after it was lowered. */
export function lowered(line: string | Buffer, level: Level, omitManagedFields: boolean): string {
  const event = eventOf(line);
  const scratch = { bytes: Buffer.alloc(0) };
  const length = applySplices(event.bytes, event.start, event.end, downgrade(event, level, omitManagedFields), scratch);
  return scratch.bytes.toString('utf8', 0, length);
}
