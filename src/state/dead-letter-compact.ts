import { keyOf, recordKey } from './dead-letter-record.ts';
import type { RecordHeader } from './dead-letter-record.ts';
import { walkRecords } from './dead-letter-walk.ts';
import { closeAfter, readUpTo, undoAndThrow, writeFully } from './files.ts';
import type { StateFiles } from './files.ts';

const STEP_BYTES = 1024 * 1024;

export interface Compaction {
  /** Size of the new file. */
  readonly bytes: number;
  readonly removed: readonly RecordHeader[];
  /** Puts the new file in the place of the old one, where anything was removed. */
  commit(): Promise<void>;
}

/** Writes a file of records again, beside the old one, without those that were removed; what is damaged stays in it. */
export async function compactFile(files: StateFiles, path: string, remove: ReadonlySet<string>): Promise<Compaction> {
  const removed: RecordHeader[] = [];
  const keep: { from: number; to: number }[] = [];
  const fd = await files.open(path, 'r');
  return closeAfter(files, fd, async () => {
    for await (const part of walkRecords(files, fd)) {
      if (part.what === 'record' && remove.has(recordKey(keyOf(part.header)))) removed.push(part.header);
      else keep.push({ from: part.from, to: part.to });
    }
    const bytes = keep.reduce((sum, { from, to }) => sum + to - from, 0);
    const temporary = `${path}.tmp`;
    if (removed.length > 0) await copyRanges(files, fd, keep, temporary);
    return { bytes, removed, commit: () => files.rename(temporary, path) };
  });
}

async function copyRanges(
  files: StateFiles,
  from: number,
  ranges: readonly { readonly from: number; readonly to: number }[],
  path: string,
): Promise<void> {
  const fd = await files.open(path, 'w');
  try {
    await closeAfter(files, fd, async () => {
      for (const range of ranges) await copyRange(files, from, range.from, range.to, fd);
      await files.sync(fd);
    });
  } catch (error) {
    await undoAndThrow(error, () => files.remove(path));
  }
}

async function copyRange(files: StateFiles, from: number, start: number, end: number, to: number): Promise<void> {
  for (let at = start; at < end; ) {
    const piece = Buffer.allocUnsafe(Math.min(STEP_BYTES, end - at));
    const count = await readUpTo(files, from, piece, at);
    if (count === 0) throw new Error('the file became shorter while it was read');
    await writeFully(files, to, piece.subarray(0, count));
    at += count;
  }
}
