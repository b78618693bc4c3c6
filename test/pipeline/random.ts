import { seededRandom } from '../../src/demo/random.ts';

/** As `Math.random`, but the same in each run. */
export function randomFrom(seed: number): () => number {
  const random = seededRandom(seed);
  return () => random.next();
}
