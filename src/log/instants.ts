/** The newest of them are enough to judge joins by, and they stand in every checkpoint. */
const MAX_INSTANTS = 200;

/** Adds an instant of a rotation to those that are known, ascending. */
export function learnInstant(instants: number[], instantMs: number): void {
  const newest = instants.at(-1);
  if (newest !== undefined && instantMs <= newest) {
    if (instants.includes(instantMs)) return;
    instants.splice(
      instants.findIndex((other) => other > instantMs),
      0,
      instantMs,
    );
  } else instants.push(instantMs);
  if (instants.length > MAX_INSTANTS) instants.shift();
}
