import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const MODULE = new URL('../../src/cli/young-generation.ts', import.meta.url).href;

/** MB that new objects take at most in a process in which many of them live for a moment. */
function mostWith(first: string): number {
  const code = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { boundYoungGeneration } from '${MODULE}';
    ${first}
    let most = 0;
    let alive = [];
    for (let round = 0; round < 20; round += 1) {
      alive = Array.from({ length: 60_000 }, (_, at) => ({ at, all: [at] }));
      const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
      most = Math.max(most, space.space_size);
    }
    // Said, so that nothing is optimised away.
    console.log(most / 1e6, alive.length);
  `;
  const words = ['--input-type=module', '--disable-warning=ExperimentalWarning', '--eval', code];
  return Number.parseFloat(execFileSync(process.execPath, words, { encoding: 'utf8' }));
}

it('the young generation stays small, whatever is alive for a moment', () => {
  expect(mostWith('')).toBeGreaterThan(10);
  expect(mostWith('boundYoungGeneration();')).toBeLessThan(10);
});
