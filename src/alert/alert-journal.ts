import type { Input } from './engine.ts';
import type { FoundRecord } from './found-record.ts';
import type { Addressed } from './notification.ts';
import type { StateRecord } from './snapshot.ts';

/** What a stage writes to its journal. */
export type AlertRecord =
  | StateRecord
  | { readonly t: 'input'; readonly input: Input; readonly notes: readonly Addressed[] }
  | FoundRecord
  | { readonly t: 'pending'; readonly note: Addressed }
  | { readonly t: 'told'; readonly r: string; readonly n: string };

/** What could not be written yet, a record or the JSON of one, with what is to be told once it is. */
export interface Unwritten {
  readonly record: AlertRecord | Buffer;
  readonly notes: readonly Addressed[];
}

/** Where the records go: `LineJournal`. */
export interface AlertJournal {
  readonly isLong: boolean;
  /** A buffer is the JSON of a record. */
  append(records: readonly (AlertRecord | Buffer)[]): Promise<void>;
  /** Survives kill -9 from the moment it returns; holds in any order. */
  note(record: AlertRecord): void;
  replace(records: Iterable<AlertRecord>): Promise<void>;
  close(): Promise<void>;
}
