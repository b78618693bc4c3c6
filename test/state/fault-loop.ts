import { REAL_FILES } from '../../src/state/files.ts';
import type { StateFiles } from '../../src/state/files.ts';
import { faultyFiles, systemError } from './faulty-files.ts';

export interface FaultRun {
  readonly files: StateFiles;
  /** For the message of a failed expectation. */
  readonly what: string;
  /** Whether the fault goes away after the one call. */
  readonly once: boolean;
}

const WAYS = [
  { verdict: 'fail', once: true },
  { verdict: 'half', once: true },
  { verdict: 'half', once: false },
] as const;

/**
 * Runs `work` again and again, each time with another call of the file system failing, until there is no such call any
 * more: that call alone, with a write not done at all or by half, and that call with all behind it. Gives the number of
 * runs.
 */
export async function forEveryCall(work: (run: FaultRun) => Promise<void>): Promise<number> {
  let runs = 0;
  for (const { verdict, once } of WAYS) {
    let failed = true;
    for (let nth = 1; failed; nth += 1) {
      failed = false;
      const code = nth % 2 === 0 ? 'ENOSPC' : 'EIO';
      const files = faultyFiles(
        REAL_FILES,
        (_name, call) => {
          if (call < nth || (once && call > nth)) return 'pass';
          failed = true;
          return call === nth ? verdict : 'fail';
        },
        () => systemError(code),
      );
      await work({
        files,
        once,
        what: `${verdict} with ${code} ${once ? 'at' : 'from'} call ${nth}${once ? '' : ' on'}`,
      });
      runs += 1;
    }
  }
  return runs;
}
