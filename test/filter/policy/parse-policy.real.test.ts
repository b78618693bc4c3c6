import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../../src/filter/policy/parse-policy.ts';
import { choices, type Choose } from '../../event/writing.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { findOracle } from './oracle.ts';

const oracle = findOracle() ?? '';

/** Scalars as people write them, in YAML. */
const SCALARS =
  `get "*" "" ~ null yes No on y true "true" 5 -1 1_000 0x1f 08 1e3 .5 .inf 1:30 2001-01-01 !!str_5 'it''s'
  None Metadata metadata RequestResponse RequestReceived Panic panic /healthz "/a*" "/a*b" apps Apps apps/v1 a.b a_b -a`
    .split(/\s+/)
    .map((scalar) => scalar.replace('!!str_', '!!str '));

function one<Item>(items: readonly Item[], choose: Choose): Item {
  return items[choose(items.length)] as Item;
}

function sometimes(choose: Choose, odds: number): boolean {
  return choose(odds) === 0;
}

function list(choose: Choose, usual: readonly string[]): string {
  if (sometimes(choose, 12)) return one([...SCALARS, '{a: b}', '[[a]]', ''], choose);
  const items = Array.from({ length: choose(3) }, () => one(sometimes(choose, 6) ? SCALARS : usual, choose));
  return `[${items.join(', ')}]`;
}

function entry(choose: Choose): string {
  const members = [`group: ${one(sometimes(choose, 4) ? SCALARS : ['apps', '""', 'a.b'], choose)}`];
  if (!sometimes(choose, 4)) members.push(`resources: ${list(choose, ['pods', '"*"', 'pods/log'])}`);
  if (sometimes(choose, 4)) members.push(`resourceNames: ${list(choose, ['a', 'b'])}`);
  if (sometimes(choose, 15)) members.push('Group: apps');
  return one([`{${members.join(', ')}}`, `{${members.join(', ')}}`, `{${members.join(', ')}}`, 'pods', '~'], choose);
}

function rule(choose: Choose): string {
  const members = [`level: ${one(sometimes(choose, 6) ? SCALARS : ['None', 'Metadata', 'Request'], choose)}`];
  const add = (odds: number, text: () => string): void => {
    if (sometimes(choose, odds)) members.push(text());
  };
  add(3, () => `users: ${list(choose, ['a', 'system:node:x'])}`);
  add(4, () => `verbs: ${list(choose, ['get', 'list'])}`);
  add(4, () => `namespaces: ${list(choose, ['a', '""'])}`);
  add(3, () => (sometimes(choose, 8) ? 'resources: [pods]' : `resources: [${entry(choose)}]`));
  add(6, () => `nonResourceURLs: ${list(choose, ['/x', '"/y*"', '"*"'])}`);
  add(5, () => `omitStages: ${list(choose, ['Panic', 'RequestReceived'])}`);
  add(5, () => `omitManagedFields: ${one(['true', 'no', '~', '"true"', '0'], choose)}`);
  add(15, () => 'level: None');
  add(15, () => one(['Verbs: [get]', 'verb: [get]', '<<: {users: [b]}', '<<: *a'], choose));
  return `{${members.join(', ')}}`;
}

function policy(choose: Choose): string {
  const lines = [
    `apiVersion: ${sometimes(choose, 15) ? one(['audit.k8s.io/v1beta1', '', 'v1', '1'], choose) : 'audit.k8s.io/v1'}`,
  ];
  if (!sometimes(choose, 4)) lines.push(`kind: ${sometimes(choose, 12) ? one(['Event', '5', ''], choose) : 'Policy'}`);
  if (sometimes(choose, 5)) lines.push(`metadata: {name: ${one(SCALARS, choose)}}`);
  if (sometimes(choose, 5)) lines.push(`omitStages: ${list(choose, ['Panic'])}`);
  if (sometimes(choose, 10)) lines.push('omitManagedFields: yes', 'omitManagedFields: no');
  if (sometimes(choose, 15)) lines.push('Rules: []');
  lines.push('rules:');
  const count = sometimes(choose, 15) ? 0 : 1 + choose(3);
  for (let at = 0; at < count; at += 1) lines.push(`- ${at === 0 ? '&a ' : ''}${rule(choose)}`);
  if (sometimes(choose, 10)) lines.push('---', 'second: document');
  return `${lines.join('\n')}\n`;
}

describe.skipIf(oracle === '')("beside the API server's own reader (skipped where that cannot be built)", () => {
  test('600 policies full of slips are taken or refused alike, and warned of alike', () => {
    const path = join(temporaryDirectory(), 'policy.yaml');
    const seed = Number(process.env['AUDITAIL_SEED'] ?? '1');
    const choose = choices(seed);
    let valid = 0;
    for (let at = 0; at < 600; at += 1) {
      const text = policy(choose);
      writeFileSync(path, text);
      const answer = JSON.parse(spawnSync(oracle, ['-policy', path, '-validate']).stdout.toString()) as {
        valid: boolean;
        warnings: string[];
        errors: string[];
      };
      const lenient = parsePolicy(text, { lenient: true });
      const strict = parsePolicy(text);
      const words = `seed ${seed}, policy ${at}:\n${text}${answer.errors.join('\n')}${answer.warnings.join('\n')}`;
      expect(lenient.ok, words).toBe(answer.valid);
      expect(strict.ok, words).toBe(answer.valid && answer.warnings.length === 0);
      if (strict.ok) expect(strict.findings, words).toEqual([]);
      if (answer.valid) valid += 1;
    }
    expect(valid).toBeGreaterThan(100);
    expect(valid).toBeLessThan(500);
  });
});
