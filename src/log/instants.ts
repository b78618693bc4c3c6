/** The newest of them are enough to judge joins by, and they stand in every checkpoint. */
const MAX_INSTANTS = 200;

/** Adds an instant of a rotation to those that are known, ascending. */
export function learnInstant(instants: number[], instantMs: number): void {
  const isFull = instants.length >= MAX_INSTANTS;
  if (isFull && instantMs < (instants[0] as number)) return;
  const at = instants.findLastIndex((other) => other <= instantMs);
  if (instants[at] === instantMs) return;
  instants.splice(at + 1, 0, instantMs);
  if (isFull) instants.shift();
}
