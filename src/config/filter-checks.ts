import type { AlertsConfig } from './alert-schema.ts';
import { valueAt } from './issues.ts';
import type { Path, Problem } from './problem.ts';
import type { Report } from './report.ts';

/** Compiles the text of a filter expression; `column` counts characters from 0. */
export type CheckExpression = (
  text: string,
) => { readonly ok: true } | { readonly ok: false; readonly message: string; readonly column: number };

/** Reads an audit policy: all that is wrong with it, and what a person should know of it, with places in that file. */
export type CheckPolicy = (
  file: string,
  lenient: boolean,
) => { readonly problems: readonly Problem[] } | { readonly unreadable: string };

/** Takes a path into an event apart; `isMember` where it has to lead to a member of an object. */
export type CheckPath = (
  text: string,
  isMember: boolean,
) => { readonly ok: true } | { readonly ok: false; readonly message: string; readonly column: number };

/** The compilers of what stands in a filter. They are handed in, as stages do not call each other. */
export interface FilterChecks {
  readonly checkExpression: CheckExpression;
  readonly checkPolicy?: CheckPolicy;
  readonly checkPath?: CheckPath;
  readonly checkAlertRules?: CheckAlertRules;
}

/** Reads the files of alert rules: all that is wrong with them, each with its place. */
export type CheckAlertRules = (alerts: Pick<AlertsConfig, 'rules' | 'overrides'>) => readonly Problem[];

/** Has every part of the filters compiled, those of outputs too that have other faults, and points at what is wrong. */
export function checkFilters(value: unknown, checks: FilterChecks, report: Report): void {
  for (const at of indexes(valueAt(value, ['outputs']))) {
    const names = new Map<unknown, string>();
    for (const list of ['keep', 'drop', 'throttle']) {
      const path: Path = ['outputs', at, 'filter', list];
      for (const index of indexes(valueAt(value, path))) {
        checkName(value, [...path, index, 'name'], names, report);
        checkWhen(value, [...path, index, 'when'], checks.checkExpression, report);
      }
    }
    checkPaths(value, ['outputs', at, 'filter', 'trim', 'paths'], true, checks, report);
    checkPaths(value, ['outputs', at, 'filter', 'redact', 'paths'], false, checks, report);
    checkPolicyAt(value, ['outputs', at, 'filter', 'policy'], checks, report);
  }
}

function checkPaths(value: unknown, path: Path, isMember: boolean, { checkPath }: FilterChecks, report: Report): void {
  for (const index of indexes(valueAt(value, path))) {
    const text = valueAt(value, [...path, index]);
    if (typeof text !== 'string' || text === '') continue;
    const checked = checkPath?.(text, isMember) ?? { ok: true };
    if (!checked.ok)
      report({ path: [...path, index], message: checked.message, pointer: lineAt(text, checked.column) });
  }
}

function checkPolicyAt(value: unknown, path: Path, { checkPolicy }: FilterChecks, report: Report): void {
  const written = valueAt(value, path);
  const file = typeof written === 'string' ? written : valueAt(written, ['file']);
  if (typeof file !== 'string' || file === '' || checkPolicy === undefined) return;
  const checked = checkPolicy(file, valueAt(written, ['lenient']) === true);
  const own = typeof written === 'string' ? path : [...path, 'file'];
  if ('unreadable' in checked) report({ path: own, message: checked.unreadable });
  else for (const problem of checked.problems) report({ ...problem, path: own, elsewhere: problem });
}

/** What the ledger and the metrics call the events that none of the `keep` rules matched. */
const NOT_KEPT = 'keep';

/** The ledger counts by the name of the rule: two of one name would be one there. */
function checkName(value: unknown, path: Path, names: Map<unknown, string>, report: Report): void {
  const name = valueAt(value, path);
  if (name === undefined) return;
  if (name === NOT_KEPT) {
    const message = `is taken: events that no keep rule matches are counted as ${JSON.stringify(NOT_KEPT)}`;
    report({ path, message: `${message}; give the rule another name` });
    return;
  }
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
