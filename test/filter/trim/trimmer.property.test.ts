import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { choices, write } from '../../event/writing.ts';
import { trim } from './trimming.ts';

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(1, null, 'text', true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'é"'), tie('value'), { maxKeys: 4 }),
  ),
}));
const steps = fc.array(fc.constantFrom('.a', '.b', '.*', '["é\\""]', '[].c', '[][].a'), { minLength: 1, maxLength: 3 });

/** The same by other means. */
function removeAt(at: unknown, path: readonly string[]): unknown {
  const [step, ...rest] = path;
  if (typeof at !== 'object' || at === null || step === undefined) return at;
  if (step === '[]') return Array.isArray(at) ? at.map((item) => removeAt(item, rest)) : at;
  if (Array.isArray(at)) return at;
  const entries = Object.entries(at).flatMap(([key, child]): [string, unknown][] => {
    if (step !== '*' && step !== key) return [[key, child]];
    return rest.length === 0 ? [] : [[key, removeAt(child, rest)]];
  });
  return Object.fromEntries(entries);
}

function split(path: string): readonly string[] {
  return [...path.matchAll(/\.([a-z*])|(\[\])|\["(é)\\""\]/g)].map(
    ([, name, each, quoted]) => name ?? each ?? `${quoted}"`,
  );
}

test('trimming is what parsing, removing and writing gives', () => {
  fc.assert(
    fc.property(
      value,
      fc.uniqueArray(
        steps.map((some) => some.join('')),
        { minLength: 1, maxLength: 3 },
      ),
      fc.nat(),
      (body, paths, seed) => {
        const line = write(
          { requestObject: body, verb: 'get', stageTimestamp: '2026-11-23T05:07:15Z' },
          choices(seed),
        ).trim();
        const out = trim(line, false, ...paths.map((path) => `requestObject${path}`));
        // The shorter path first: what lies below it is gone with it.
        const expected = paths.map(split).reduce<unknown>((left, path) => removeAt(left, path), body);
        expect(out['requestObject']).toEqual(JSON.parse(JSON.stringify(expected)));
        expect(out['verb']).toBe('get');
      },
    ),
    { numRuns: 500 },
  );
});
