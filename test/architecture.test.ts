import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { type SourceFile, sourceFile, sourceFiles } from './support/source-files.ts';

/** Data flows this way; a stage knows of those before it. What a source makes is a log, so it knows logs. */
const FLOW = ['log', 'source', 'event', 'filter', 'pipeline', 'output', 'state', 'alert'];
const MAKES: Readonly<Record<string, string>> = { source: 'log' };

/** What joins stages, and so may import anything of them. */
const JOINS = ['agent.ts', 'alerting.ts', 'pipeline', 'reload', 'cli', 'inspect'];

/**
 * Files that every stage may import, values too, and that would otherwise be written in each: errors, steps one at a time,
 * varints, units, what a template of a header may hold, the names of a log's files, the tables of an event's fields and
 * marks, and the steps through its bytes.
 */
const FREE = [
  'src/errors.ts',
  'src/serial.ts',
  'src/varint.ts',
  'src/config/header-template.ts',
  'src/config/quantity.ts',
  'src/config/units.ts',
  'src/event/field.ts',
  'src/event/json-walk.ts',
  'src/event/mark.ts',
  'src/log/file-name.ts',
];

/** Types that describe the running agent to people; every stage fills in its part. */
const SHOWN = ['src/inspect/status.ts'];

/** Files of more than 300 lines, each with the reason why it is not two. */
const LARGE: Readonly<Record<string, string>> = {
  'src/log/cursor.ts': 'one buffer, and the places in it that every step of reading moves',
  'src/pipeline/cutter.ts': 'one pass over the lines, in which each step moves the same account',
  'src/pipeline/pipeline.ts': 'one window of batches, which cutting, sending and settling share',
};

const FILES = sourceFiles('src');

/** The folder below src, or the file that stands there by itself. */
function stageOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Sentences about the imports of a file that the flow forbids. */
function breaches({ path, imports }: SourceFile): readonly string[] {
  const stage = stageOf(path);
  return imports
    .filter(({ target }) => target.startsWith('src/') && !FREE.includes(target) && stageOf(target) !== stage)
    .flatMap(({ target, typeOnly }) => {
      const from = stageOf(target);
      if (stage === 'demo') return [`${path} imports ${target}: the demo sees the agent as a process only`];
      if (from === 'demo' && stage !== 'cli') return [`${path} imports ${target}: only the command starts the demo`];
      if (JOINS.includes(stage) || MAKES[stage] === from) return [];
      if (!typeOnly) return [`${path} imports values of ${target}: only ${JOINS.join(', ')} join stages`];
      if (SHOWN.includes(target)) return [];
      if (FLOW.includes(stage) && FLOW.indexOf(from) > FLOW.indexOf(stage)) {
        return [`${path} imports ${target}: that is further down the flow`];
      }
      return JOINS.includes(from) && from !== 'pipeline' ? [`${path} imports ${target}: that joins stages itself`] : [];
    });
}

/** The first circle of imports found, as the files along it. */
function circle(files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  function visit(path: string, way: readonly string[]): readonly string[] {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const { target } of byPath.get(path)?.imports ?? []) {
      const found = visit(target, [...way, path]);
      if (found.length > 0) return found;
    }
    done.add(path);
    return [];
  }
  for (const { path } of files) {
    const found = visit(path, []);
    if (found.length > 0) return found;
  }
  return [];
}

test('stages import only types of other stages, and only from further up the flow', () => {
  expect(FILES.flatMap(breaches)).toEqual([]);
});

test('no imports go in a circle', () => {
  expect(circle(FILES)).toEqual([]);
});

test('no file in src has more than 300 lines without a reason', () => {
  const large = FILES.filter(({ lines, path }) => lines > 300 && LARGE[path] === undefined);
  expect(large.map(({ path, lines }) => `${path} has ${lines} lines`)).toEqual([]);
  const gone = Object.keys(LARGE).filter((path) => !FILES.some((file) => file.path === path));
  expect(gone).toEqual([]);
});

test('files are named for the thing they hold', () => {
  const names = FILES.map(({ path }) => path).filter(
    (path) =>
      !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(path)) || /(^|[/-])(index|utils?|helpers?|manager)\b/.test(path),
  );
  expect(names).toEqual([]);
});

test.each([
  ["import { x } from '../log/log.ts';", 'values'],
  ["export { x } from '../log/log.ts';", 'values'],
  ["import '../log/log.ts';", 'values'],
  ["import {\n  type A,\n  type B,\n} from '../log/log.ts';", 'values'],
  ["const x = await import('../log/log.ts');", 'values'],
  ["import type { X } from '../state/state.ts';", 'further down'],
  ["import type { X } from '../agent.ts';", 'joins stages itself'],
  ["import type { X } from '../demo/writer.ts';", 'only the command'],
])('the rule sees that an output may not say: %s', (text, words) => {
  expect(breaches(sourceFile('src/output/x.ts', text))).toEqual([expect.stringContaining(words)]);
});

test.each([
  "import type { Event } from '../event/event.ts';",
  "import { AuditailError } from '../errors.ts';",
  "import type { PipelineStatus } from '../inspect/status.ts';",
  "import { encode } from './encode.ts';",
  "import { request } from 'undici';",
])('the rule lets an output say: %s', (text) => {
  expect(breaches(sourceFile('src/output/x.ts', text))).toEqual([]);
});

test('the rule finds a circle of three files', () => {
  const files = ['a', 'b', 'c'].map((name, index) =>
    sourceFile(`src/log/${name}.ts`, `import type { X } from './${'bca'[index]}.ts';`),
  );
  expect(circle(files)).toEqual(['src/log/a.ts', 'src/log/b.ts', 'src/log/c.ts', 'src/log/a.ts']);
});
