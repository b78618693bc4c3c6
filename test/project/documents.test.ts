import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/schema.ts';
import { REPOSITORY } from '../support/source-files.ts';

const DOCUMENTS = [
  ...readdirSync(REPOSITORY).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(REPOSITORY, 'docs')).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));

/** Written by a run of the benchmarks. */
const MADE_LATER = ['bench/RESULTS.md'];

function text(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

test.each(DOCUMENTS)('what %s links to is there', (document) => {
  const targets = [...text(document).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(
    ([, target]) => target ?? '',
  );
  const missing = targets
    .map((target) => join(dirname(document), target))
    .filter((path) => !MADE_LATER.includes(path) && !existsSync(join(REPOSITORY, path)));
  expect(missing).toEqual([]);
});

test('the first commands of the README are the two that a newcomer needs', () => {
  const [, first = ''] = /```sh\n([^`]*)```/.exec(text('README.md')) ?? [];
  expect(
    first
      .split('\n')
      .map((line) => line.replace(/\s+#.*/, ''))
      .filter(Boolean),
  ).toEqual(['npm ci && npm start', 'npm ci && npm test']);
});

test('the configuration in the README is one that auditail takes', () => {
  const [, yaml = ''] = /```yaml\n([^`]*)```/.exec(text('README.md')) ?? [];
  expect(configSchema.safeParse(parse(yaml)).error).toBeUndefined();
});

test.each(DOCUMENTS)('the tests that %s names are there', (document) => {
  const named = [...text(document).matchAll(/`(test\/[\w./-]+\.ts)`/g)].map(([, path]) => path ?? '');
  expect(named.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
});
