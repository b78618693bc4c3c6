import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { checkPolicy } from '../../src/inspect/check-policy.ts';
import { FILTER_CHECKS } from '../../src/inspect/filter-checks.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let folder: string;

beforeEach(() => {
  folder = temporaryDirectory();
});

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function load(filter: string, log = '/var/log/kubernetes/audit/audit.log') {
  const config = `sources: [{ name: api, type: file, path: ${log} }]
outputs:
  - name: out
    type: file
    path: /tmp/out
    filter:
${filter}`;
  return loadConfig({ file: written('auditail.yaml', config), flags: {}, environment: {}, ...FILTER_CHECKS });
}

/** What a person reads, without the name of the temporary folder. */
function report(filter: string): string {
  const loaded = load(filter);
  return formatProblems(loaded.ok ? loaded.warnings : loaded.problems).replaceAll(`${folder}/`, '');
}

function policy(rules: string): string {
  return written('policy.yaml', `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules}`);
}

describe('what is wrong with a filter is said with its place', () => {
  it('in the policy that the configuration names', () => {
    const file = policy('  - level: metadata\n  - level: None\n    verbz: [get]\n');
    const said = report(`      policy: ${file}\n      drop: [{ name: a, when: 'verbb == "get"' }]\n`);
    expect(said).toContain('policy.yaml:4:12');
    expect(said).toContain('Metadata');
    expect(said).toContain('policy.yaml:6:5');
    expect(said).toMatch(/auditail\.yaml:8:.*verbb/);
    // What is wrong with one file stands together.
    const files = said.split('\n').flatMap((line) => /^(\w+\.yaml):/.exec(line)?.[1] ?? []);
    expect(files).toEqual(files.toSorted());
  });

  it('where a policy is not there', () => {
    expect(report('      policy: { file: /nowhere/policy.yaml }\n')).toMatch(
      /auditail\.yaml:7:23 .*policy\.file .*the policy \/nowhere\/policy\.yaml cannot be read/,
    );
  });

  it('warns of rules that never match, and of what lenient overlooks', () => {
    const file = policy('  - level: Metadata\n  - level: None\n    verbz: [get]\n');
    const loaded = load(`      policy: { file: ${file}, lenient: true }\n`);
    if (!loaded.ok) throw new Error(formatProblems(loaded.problems));
    const said = formatProblems(loaded.warnings);
    expect(said).toMatch(/policy\.yaml:4:5 .*rules\[0\] .*warning: takes every request/);
    expect(said).toMatch(/policy\.yaml:6:5 .*verbz/);
  });

  it('in paths, with a pointer', () => {
    const said = report("      trim: { paths: ['requestObject.spec.containers[]', 'nothing.at.all'] }\n");
    const lines = said.split('\n');
    expect(lines.map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      expect.stringContaining('auditail.yaml:7:23 outputs[0].filter.trim.paths[0] ends in []'),
      ' > requestObject.spec.containers[]',
      ' ^',
      expect.stringContaining(
        'auditail.yaml:7:58 outputs[0].filter.trim.paths[1] must begin with a field of the event',
      ),
      ' > nothing.at.all',
      ' ^',
    ]);
    expect(lines[2]?.indexOf('^')).toBe(lines[1]?.indexOf('[]'));
    expect(report("      redact: { paths: ['auditID'] }\n")).toContain('auditail.yaml:7:25');
  });

  it('where a rule has the name that events go by which no keep rule matches', () => {
    expect(report('      drop: [{ name: keep, when: \'verb == "get"\' }]\n')).toMatch(
      /auditail\.yaml:7:22 .*drop\[0\]\.name .*is taken: .*"keep"; give the rule another name/,
    );
  });
});

function event(level: string): string {
  const time = '2026-11-23T05:13:10.552784Z';
  return `${JSON.stringify({ kind: 'Event', level, auditID: 'a', stage: 'ResponseComplete', stageTimestamp: time })}\n`;
}

it('a check compares the policy with the levels in the log', () => {
  const log = written('audit.log', event('Metadata') + event('Request'));
  const file = policy('  - level: RequestResponse\n    verbs: [create]\n  - level: Request\n');
  const loaded = load(`      policy: ${file}\n`, log);
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems));
  const check = () => checkPolicy(loaded.config.outputs[0] as never, loaded.config);
  expect(check()).toEqual([
    { level: 'warning', text: expect.stringContaining('policy.yaml:4:5 rules[0].level the log holds Request at most') },
  ]);
  written('audit.log', event('Request') + event('RequestResponse'));
  expect(check()).toEqual([{ level: 'ok', text: `policy ${file}` }]);
});
