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

const PAGE = readFileSync(join(REPOSITORY, 'docs/outputs.md'), 'utf8');
const SHOWN = PAGE.split(/^## /m).flatMap((section) =>
  [...section.matchAll(/```yaml\n([^`]*)```/g)].map(([, yaml = '']) => ({ page: section.split('\n')[0] ?? '', yaml })),
);

function problemsOf(yaml: string): string {
  const directory = temporaryDirectory();
  const file = join(directory, 'auditail.yaml');
  for (const name of ['api-key', 'token']) writeFileSync(join(directory, name), 'x');
  writeFileSync(file, yaml.replaceAll('/etc/auditail', directory));
  const environment = { ES_PASSWORD: 'x', ES_API_KEY: 'x' };
  const loaded = loadConfig({ file, flags: {}, environment, checkExpression: compileExpression });
  return loaded.ok ? '' : formatProblems(loaded.problems);
}

it('there is a recipe for each shipper that people come from', () => {
  expect(RECIPES.map(({ from }) => from)).toEqual(['fluentd', 'Fluent Bit', 'Vector', 'Filebeat']);
});

it.each(RECIPES)('the recipe from $from is a configuration that auditail takes', ({ yaml }) => {
  expect(problemsOf(yaml)).toBe('');
});

it('each server has its page, and most of them a piece of configuration', () => {
  expect(SHOWN.length).toBeGreaterThan(4);
});

it.each(SHOWN)('what the page on $page shows is a configuration that auditail takes', ({ yaml }) => {
  const before = `metadata: { cluster: prod }\nsources: [{ name: kube, type: file, path: /var/log/audit.log }]\n`;
  expect(problemsOf(before + (yaml.startsWith('outputs:') ? yaml : `outputs:\n  - name: shown\n${yaml}`))).toBe('');
});
