import { readFileSync } from 'node:fs';

/** The lines of a file that has ended, as bytes. */
export function linesOf(path: string): readonly string[] {
  return readFileSync(path, 'latin1').split('\n').slice(0, -1);
}

/** Those of `from` that are not in `within`, shortened. */
export function missing(from: readonly string[], within: readonly string[]): readonly string[] {
  const there = new Set(within);
  return from.filter((line) => !there.has(line)).map((line) => line.slice(0, 300));
}

/**
 * Events that an API server itself gave up, as its log says: after five tries, or because it cannot encode one event of a
 * batch (an apply with a body in YAML), which is then dropped as a whole; or because it was made while the server ended
 * (watches that are closed), when the webhook had ended already.
 */
export function givenUp(serverLog: string): number {
  const told = [...serverLog.matchAll(/Error in audit plugin '(?:webhook|buffered)' affecting (\d+) audit events/g)];
  return told.reduce((sum, [, count]) => sum + Number(count), 0);
}
