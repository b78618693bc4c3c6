import type { Failure, Result } from '../inspect/expectations.ts';
import { humanCount, plural } from './human.ts';
import { printable } from './printable.ts';

type Paint = (style: 'green' | 'red' | 'bold' | 'dim', text: string) => string;

export interface FileResults {
  readonly file: string;
  readonly results: readonly Result[];
  readonly events: number;
  readonly seconds: number;
}

/** One file: a line for each expectation, and below those that failed where they did. */
export function describeResults({ file, results }: FileResults, paint: Paint): readonly string[] {
  const failed = results.filter(isFailed).length;
  const count = `${plural(results.length, 'expectation')}${failed === 0 ? '' : `, ${failed} failed`}`;
  return [
    `${failed === 0 ? paint('green', '✓') : paint('red', '❯')} ${printable(file)} (${count})`,
    ...results.flatMap((result) => {
      const { expectation, events, failures, failureCount } = result;
      const name = `${printable(expectation.name)} ${paint('dim', `(${plural(events, 'event')})`)}`;
      if (!isFailed(result)) return [`  ${paint('green', '✓')} ${name}`];
      const more = failureCount - failures.length;
      return [
        `  ${paint('red', '×')} ${name}`,
        `      at ${printable(expectation.place)}`,
        ...failures.map((failure) => `      ${paint('red', describeFailure(failure))}`),
        ...(more === 0 ? [] : [`      and ${humanCount(more)} more`]),
      ];
    }),
  ];
}

/** The last lines: how many passed, and how many did not. */
export function summariseResults(all: readonly FileResults[], paint: Paint): readonly string[] {
  const results = all.flatMap((one) => one.results);
  const failedFiles = all.filter((one) => one.results.some(isFailed)).length;
  const events = all.reduce((sum, one) => sum + one.events, 0);
  return [
    '',
    `       Files  ${score(failedFiles, all.length, paint)}`,
    `Expectations  ${score(results.filter(isFailed).length, results.length, paint)}`,
    `      Events  ${humanCount(events)}`,
  ];
}

function score(failed: number, all: number, paint: Paint): string {
  const parts = [
    ...(failed === 0 ? [] : [paint('red', `${failed} failed`)]),
    ...(failed === all ? [] : [paint('green', `${all - failed} passed`)]),
  ];
  return `${parts.join(' | ')} (${all})`;
}

function isFailed({ failureCount }: Result): boolean {
  return failureCount > 0;
}

function describeFailure({ where, auditID, words }: Failure): string {
  return printable(where === null ? words : `${where.name}:${where.line} ${auditID}: ${words}`);
}

/** A report that build servers read (the JUnit XML of Ant, as they understand it). */
export function junit(all: readonly FileResults[]): string {
  const suites = all.map(({ file, results, seconds }) => {
    const cases = results.map((result) => {
      const { expectation, failures, failureCount } = result;
      const head = `    <testcase name="${xml(expectation.name)}" classname="${xml(file)}" file="${xml(file)}" line="${expectation.line}"`;
      if (!isFailed(result)) return `${head}/>`;
      const [first] = failures;
      const lines = failures.map((failure) => xml(describeFailure(failure))).join('\n');
      return `${head}>\n      <failure message="${xml(first?.words ?? '')}" type="expectation">${lines}${failureCount > failures.length ? `\nand ${failureCount - failures.length} more` : ''}</failure>\n    </testcase>`;
    });
    const failed = results.filter(isFailed).length;
    return `  <testsuite name="${xml(file)}" tests="${results.length}" failures="${failed}" errors="0" time="${seconds.toFixed(3)}">\n${cases.join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function xml(text: string): string {
  return printable(text).replaceAll(/[&<>"'\ufffe\uffff]/g, (character) => ESCAPES[character] ?? '?');
}
