/** Sets events aside and removes some, and says what was confirmed; see killed-child.ts. */
import { fillBox } from './dead-letter-steps.ts';
import { DIRECTORY, DYING_FILES, say } from './dying-files.ts';

await fillBox(DIRECTORY, DYING_FILES, {
  added: (offset) => say(`added ${offset}`),
  removing: (offset) => say(`removing ${offset}`),
  removed: (offset) => say(`removed ${offset}`),
  failed: (error) => {
    throw error;
  },
});
