import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The batch that held the line is unreachable by then. */
const DELAY_MS = 2000;

/**
 * Has the engine collect garbage soon, once. It counts a buffer of 40 MB as a few bytes of its own heap, and in a quiet
 * agent would not get round to it for hours. The function behind it is one that V8 offers only when asked by a flag.
 */
export function collectSoon(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    setFlagsFromString('--no-expose-gc');
  }, DELAY_MS).unref();
}
