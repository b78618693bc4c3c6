import fs from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderManual } from '../../src/config/manual.ts';
import { formatProblems } from '../../src/config/problem.ts';

const root = new URL('../../', import.meta.url);
const examples = fs.readdirSync(new URL('config', root)).filter((name) => name.endsWith('.yaml'));

function read(name: string): string {
  return fs.readFileSync(new URL(name, root), 'utf8');
}

it('config/auditail.schema.json is what the schema says (if this fails: npm run generate)', () => {
  expect(JSON.parse(read('config/auditail.schema.json'))).toEqual(configJsonSchema());
});

it('docs/configuration.md is what the schema says (if this fails: npm run generate)', () => {
  expect(read('docs/configuration.md')).toBe(renderManual());
});

it('every key of the JSON Schema has a description', () => {
  const missing: string[] = [];
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const [key, part] of Object.entries(schema)) {
      if (key === 'properties') {
        for (const [name, property] of Object.entries(part as Record<string, { description?: string }>)) {
          if (property.description === undefined || property.description === '') missing.push(`${path}.${name}`);
        }
      }
      visit(part, `${path}.${key}`);
    }
  };
  visit(configJsonSchema(), '');
  expect(missing).toEqual([]);
});

it('there is an example of each type of output, and editors find its schema', () => {
  const types = examples.flatMap((name) =>
    (parse(read(`config/${name}`)) as { outputs: { type: string }[] }).outputs.map(({ type }) => type),
  );
  expect([...new Set(types)].sort()).toEqual(['elasticsearch', 'file', 'http', 'loki', 'stdout']);
  for (const name of examples)
    expect(read(`config/${name}`).split('\n')[0]).toBe('# yaml-language-server: $schema=auditail.schema.json');
});

it.each(examples)('config/%s has nothing wrong with it but what is missing on this machine', (name) => {
  const file = new URL(`config/${name}`, root).pathname;
  const loaded = loadConfig({
    file,
    flags: {},
    environment: { NODE_NAME: 'n' },
    checkExpression: () => ({ ok: true }),
  });
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  expect(formatProblems(problems.filter(({ message }) => !message.includes('ENOENT')))).toBe('');
});
