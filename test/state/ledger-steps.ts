import { Ledger } from '../../src/state/ledger.ts';
import type { StateFiles } from '../../src/state/files.ts';
import { openFence, segmentEntry } from './samples.ts';

/** Segments 1 to this are appended, in this order; three files are filled. */
export const LAST_SEGMENT = 14;
export const LEDGER_OPTIONS = { maxFileBytes: 1800 };

/** Fills a ledger, and appends what failed once more. */
export async function fillLedger(
  directory: string,
  files: StateFiles,
  confirm: (segment: number) => void,
  failed: (error: unknown) => void,
): Promise<void> {
  const opened = () => Ledger.open(directory, openFence(), { ...LEDGER_OPTIONS, files });
  async function twice<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      failed(error);
      return act();
    }
  }
  try {
    const ledger = await twice(opened);
    for (let segment = 1; segment < LAST_SEGMENT; segment += 2) {
      const pair = [segmentEntry(segment), segmentEntry(segment + 1)];
      await twice(() => ledger.append(pair));
      confirm(segment + 1);
      await twice(() => ledger.append(pair.slice(1)));
    }
    await ledger.close();
  } catch (error) {
    failed(error);
  }
}
