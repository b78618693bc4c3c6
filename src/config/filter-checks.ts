import { valueAt } from './issues.ts';
import type { Path } from './problem.ts';
import type { Report } from './report.ts';

/** Compiles the text of a filter expression; `column` counts characters from 0. */
export type CheckExpression = (
  text: string,
) => { readonly ok: true } | { readonly ok: false; readonly message: string; readonly column: number };

/** Has every filter expression compiled, those of outputs too that have other faults, and points at what is wrong. */
export function checkFilters(value: unknown, checkExpression: CheckExpression, report: Report): void {
  for (const at of indexes(valueAt(value, ['outputs']))) {
    const names = new Map<unknown, string>();
    for (const list of ['keep', 'drop', 'throttle']) {
      const path: Path = ['outputs', at, 'filter', list];
      for (const index of indexes(valueAt(value, path))) {
        checkName(value, [...path, index, 'name'], names, report);
        checkWhen(value, [...path, index, 'when'], checkExpression, report);
      }
    }
  }
}

/** The ledger counts by the name of the rule: two of one name would be one there. */
function checkName(value: unknown, path: Path, names: Map<unknown, string>, report: Report): void {
  const name = valueAt(value, path);
  if (name === undefined) return;
  const before = names.get(name);
  if (before === undefined) names.set(name, `${path[3]}[${path[4]}]`);
  else report({ path, message: `${before} is called that already; names of rules are unique within an output` });
}

function checkWhen(value: unknown, path: Path, checkExpression: CheckExpression, report: Report): void {
  const text = valueAt(value, path);
  if (typeof text !== 'string' || text === '') return;
  const checked = checkExpression(text);
  if (!checked.ok) report({ path, message: checked.message, pointer: lineAt(text, checked.column) });
}

/** The line that holds a place of a text, and the place in it. */
function lineAt(text: string, offset: number): { readonly text: string; readonly column: number } {
  const start = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const end = text.indexOf('\n', start);
  const line = text.slice(start, end === -1 ? text.length : end);
  return { text: line.replaceAll('\t', ' '), column: Math.min(Math.max(0, offset - start), line.length) };
}

function indexes(list: unknown): readonly number[] {
  return Array.isArray(list) ? [...list.keys()] : [];
}
