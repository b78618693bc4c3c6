import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { CheckExpression } from '../../src/config/filter-checks.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'auditail-problems-'));
const file = path.join(folder, 'auditail.yaml');

afterAll(() => fs.rmSync(folder, { recursive: true }));

const checkExpression: CheckExpression = (text) =>
  text.length % 2 === 0 ? { ok: true } : { ok: false, message: 'odd', column: text.length };

function problemsOf(text: string) {
  fs.writeFileSync(file, text);
  const loaded = loadConfig({ file, flags: {}, environment: {}, checkExpression });
  return { loaded, problems: loaded.ok ? loaded.warnings : loaded.problems };
}

function expectPlaces(text: string): void {
  const { loaded, problems } = problemsOf(text);
  const lines = text.split('\n');
  if (!loaded.ok) expect(problems.some(({ level }) => level === 'error')).toBe(true);
  for (const { place, message } of problems) {
    expect(message).not.toBe('');
    expect(place.text).toBe(`${file}:${place.line}:${place.column}`);
    expect(place.line).toBeGreaterThanOrEqual(1);
    expect(place.line).toBeLessThanOrEqual(lines.length);
    expect(place.column).toBeGreaterThanOrEqual(1);
    expect(place.column).toBeLessThanOrEqual((lines[place.line - 1] as string).length + 1);
  }
  expect(typeof formatProblems(problems)).toBe('string');
}

const keys = fc.constantFrom(
  'sources',
  'outputs',
  'name',
  'type',
  'path',
  'url',
  'filter',
  'keep',
  'drop',
  'when',
  'batch',
  'maxBytes',
  'labels',

  'auth',
  'bearer',
  'tls',
  'index',
  'telemetry',
  'listen',
  'log',
  'metadata',
  'cluster',
  'nonsense',
  '__proto__',
  '0',
);
const scalars = fc.oneof(
  fc.constantFrom('file', 'stdin', 'elasticsearch', 'loki', 'http://localhost:1', '1Mi', '1s', '${HOME}', ''),
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.dictionary(keys, tie('tree')),
    fc.array(tie('tree')),
  ),
}));

it('whatever a configuration says, each problem has a place in it', () => {
  const trees = fc.record({ sources: tree, outputs: fc.oneof(tree, fc.array(tree)), log: tree }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.oneof(trees, tree), (value) => expectPlaces(stringify(value))),
    { numRuns: 300 },
  );
});

it('whatever a file holds, it is read or refused, and each problem has a place in it', () => {
  const fragments = fc.array(
    fc.constantFrom(
      'sources:',
      '\n',
      ' ',
      '  - ',
      '\t',
      '{',
      '}',
      '[',
      ']',
      '&a',
      '*a',
      'x: ',
      '? ',
      '"',
      "'",
      '|',
      '#',
      '!t ',
      '---',
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fragments.map((parts) => parts.join('')),
      ),
      expectPlaces,
    ),
    // A quoted text that does not end: the library counts no line end in it.
    { numRuns: 500, examples: [['{"""""\n']] },
  );
});
