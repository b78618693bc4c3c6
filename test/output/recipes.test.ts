import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { compileExpression } from '../../src/filter/expression.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const RECIPES = [
  ...readFileSync(join(REPOSITORY, 'docs/migrate.md'), 'utf8').matchAll(
    /## ([^\n]+)\n[^#]*?```yaml\n(sources:[^`]*)```/g,
  ),
].map(([, from = '', yaml = '']) => ({ from, yaml }));

it('there is a recipe for each shipper that people come from', () => {
  expect(RECIPES.map(({ from }) => from)).toEqual(['fluentd', 'Fluent Bit', 'Vector', 'Filebeat']);
});

it.each(RECIPES)('the recipe from $from is a configuration that auditail takes', ({ yaml }) => {
  const file = join(temporaryDirectory(), 'auditail.yaml');
  writeFileSync(file, yaml);
  const environment = { ES_PASSWORD: 'x', ES_API_KEY: 'x' };
  const loaded = loadConfig({ file, flags: {}, environment, checkExpression: compileExpression });
  expect(loaded.ok ? '' : formatProblems(loaded.problems)).toBe('');
});
