/** Fills a ledger and says how far it got; see killed-child.ts. */
import { DIRECTORY, DYING_FILES, say } from './dying-files.ts';
import { fillLedger } from './ledger-steps.ts';

await fillLedger(
  DIRECTORY,
  DYING_FILES,
  (segment) => say(String(segment)),
  (error) => {
    throw error;
  },
);
