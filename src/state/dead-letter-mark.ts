import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { closeAfter, syncDirectory, undoAndThrow, writeFully } from './files.ts';
import type { StateFiles } from './files.ts';
import { unwritable } from './unwritable.ts';

/** What a command tells of records whose files only the agent writes: that they were taken out, or refused again. */
export type MarkKind = 'removed' | 'refused';

const UNFINISHED = /^(?:removed|refused)-(\d+)-.*\.tmp$/;

/** Writes a list under a name of its own, `kind-<time>-<random>.json`, which appears once the list is complete and on disk. */
export async function writeMark(
  directory: string,
  kind: MarkKind,
  entries: readonly object[],
  files: StateFiles,
): Promise<void> {
  const name = path.join(directory, `${kind}-${Date.now()}-${randomBytes(6).toString('hex')}`);
  const temporary = `${name}.tmp`;
  const lines = entries.map((entry) => JSON.stringify(entry));
  try {
    const fd = await files.open(temporary, 'wx');
    try {
      await closeAfter(files, fd, async () => {
        await writeFully(files, fd, Buffer.from(`[\n${lines.join(',\n')}\n]\n`));
        await files.sync(fd);
      });
      await files.rename(temporary, `${name}.json`);
    } catch (error) {
      await undoAndThrow(error, () => files.remove(temporary));
    }
    await syncDirectory(files, directory);
  } catch (error) {
    throw unwritable(directory, error);
  }
}

/** Whether a name is that of a file that nobody finished, and nobody is writing any more. */
export function isLeftOver(name: string, nowMs: number): boolean {
  if (!name.endsWith('.tmp')) return false;
  const mark = UNFINISHED.exec(name);
  // A command may be writing a mark at this moment; all else is the agent's own.
  return mark === null || Number(mark[1]) < nowMs - 60_000;
}
