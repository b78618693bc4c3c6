import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The batch that held a line is unreachable by then as a rule: before the next one comes, where memory is short. */
const EARLY_MS = 50;
/** It is for certain. */
const LATE_MS = 2000;

let late: NodeJS.Timeout | undefined;

/** `last-resort` gives the system empty pages, too, which the usual flavour keeps for what may come (on Node.js 22 all of them). */
type Flavor = 'regular' | 'last-resort';
type Collect = (options: { readonly type: 'major'; readonly flavor: Flavor }) => void;

/** Has the engine collect its garbage now, by a function that V8 offers only when asked by a flag. It does not stay exposed. */
export function collectGarbage(flavor: Flavor): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  gc({ type: 'major', flavor });
}

/**
 * Has garbage collected soon, and once more when nobody has asked for that for a while. The engine counts a buffer of
 * 40 MB as a few bytes of its own heap, and in a quiet agent would not get round to it for hours.
 */
export function collectSoon(): void {
  setTimeout(() => collectGarbage('regular'), EARLY_MS).unref();
  clearTimeout(late);
  late = setTimeout(() => collectGarbage('regular'), LATE_MS).unref();
}
