import path from 'node:path';
import { recordKey } from './dead-letter-record.ts';
import type { DeadLetterKey } from './dead-letter-record.ts';
import { writeMark } from './dead-letter-mark.ts';
import { readFully, REAL_FILES, removeIfThere, syncDirectory } from './files.ts';
import type { StateFiles } from './files.ts';
import { unwritable } from './unwritable.ts';

/** What a receiver said when a record was sent again and was not taken. */
export interface ReplayRefusal {
  readonly key: DeadLetterKey;
  readonly reason: string;
  readonly words: string;
  readonly status: number;
  /** How many times it was sent again in vain, this time included. */
  readonly replays: number;
  /** When, RFC 3339. */
  readonly at: string;
}

/** Newest refusal by `recordKey`. */
export type ReplayRefusals = ReadonlyMap<string, ReplayRefusal>;

const REFUSED = /^refused-.*\.json$/;
const MAX_WORDS = 2048;
const MAX_REASON = 200;

/** Keeps what was said, durably, beside the records. Any process may do that: the files of records are the agent's. */
export async function noteRefusals(
  directory: string,
  refusals: readonly ReplayRefusal[],
  files: StateFiles = REAL_FILES,
): Promise<void> {
  if (refusals.length === 0) return;
  const cut = refusals.map(({ key, reason, words, status, replays, at }) => {
    const { record, source, segment, offset } = key;
    const said = { reason: reason.slice(0, MAX_REASON), words: words.slice(0, MAX_WORDS), status, replays, at };
    return { key: { record, source, segment, offset }, ...said };
  });
  await writeMark(directory, 'refused', cut, files);
}

export async function readRefusals(directory: string, files: StateFiles = REAL_FILES): Promise<ReplayRefusals> {
  return (await readAll(directory, files)).newest;
}

/** Makes one file of all that were noted, without those of records that are gone. */
export async function mergeRefusals(
  directory: string,
  remaining: ReadonlySet<string>,
  files: StateFiles = REAL_FILES,
): Promise<void> {
  const { newest, names } = await readAll(directory, files);
  const kept = [...newest].filter(([key]) => remaining.has(key)).map(([, refusal]) => refusal);
  if (names.length <= 1 && kept.length === newest.size) return;
  // The new file first: whoever reads in between finds the same twice.
  await noteRefusals(directory, kept, files);
  try {
    for (const name of names) await removeIfThere(files, path.join(directory, name));
    await syncDirectory(files, directory);
  } catch (error) {
    throw unwritable(directory, error);
  }
}

async function readAll(
  directory: string,
  files: StateFiles,
): Promise<{ newest: ReplayRefusals; names: readonly string[] }> {
  const names = (await files.list(directory)).filter((name) => REFUSED.test(name));
  const newest = new Map<string, ReplayRefusal>();
  for (const name of names) {
    const bytes = await readFully(files, path.join(directory, name));
    // Gone since: another command has put it into a file of its own.
    const refusals = bytes === null ? [] : (JSON.parse(bytes.toString()) as ReplayRefusal[]);
    for (const refusal of refusals) {
      const key = recordKey(refusal.key);
      const other = newest.get(key);
      if (other === undefined || other.replays <= refusal.replays) newest.set(key, refusal);
    }
  }
  return { newest, names };
}
