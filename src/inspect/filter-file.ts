import { readConfigFile } from '../config/config-file.ts';
import { parseDocument } from '../config/document.ts';
import { checkFilters } from '../config/filter-checks.ts';
import { checkSchema, valueAt } from '../config/issues.ts';
import { filter as filterSchema } from '../config/filter-schema.ts';
import type { Problem } from '../config/problem.ts';
import { formatPath, sortProblems } from '../config/problem.ts';
import type { Complaint } from '../config/report.ts';
import { FILTER_CHECKS } from './filter-checks.ts';
import { openFilter } from './opened-filter.ts';
import { openPolicy } from './opened-policy.ts';
import type { OpenedFilter } from './opened-filter.ts';

export type FilterFile =
  | { readonly type: 'filter'; readonly filter: OpenedFilter }
  /** It has outputs, so it is a whole configuration. */
  | { readonly type: 'configuration' }
  | { readonly type: 'problems'; readonly problems: readonly Problem[] };

/**
 * Reads a file that holds a filter: `keep` and `drop` as they stand under `filter` of an output, or an audit policy. All
 * that is wrong with it comes back at once.
 */
export function readFilterFile(file: string): FilterFile {
  const read = readConfigFile(file);
  if ('problem' in read) return { type: 'problems', problems: [read.problem] };
  if (read.text.trim() === '') return problemAt(file, 'is empty: a filter has keep or drop');
  const { document, problems } = parseDocument(file, read.text);
  if (document === undefined) return { type: 'problems', problems: sortProblems(problems) };
  const { value } = document;
  if (valueAt(value, ['outputs']) !== undefined) return { type: 'configuration' };
  if (valueAt(value, ['kind']) === 'Policy') {
    return openPolicy(file, read.text);
  }
  const found: Problem[] = [...problems];
  const report = ({ path, message, pointer, atKey = false, level = 'error', elsewhere }: Complaint) => {
    const place = elsewhere?.place ?? (atKey ? document.placeOfKey(path) : document.placeOfValue(path));
    found.push({
      level,
      place,
      path: elsewhere?.path ?? formatPath(path),
      message,
      ...(pointer === undefined ? {} : { pointer }),
    });
  };
  const { data, complaints } = checkSchema(filterSchema, value);
  for (const complaint of complaints) report(complaint);
  // The check looks for filters where a configuration has them.
  checkFilters({ outputs: [{ filter: value }] }, FILTER_CHECKS, (complaint) =>
    report({ ...complaint, path: complaint.path.slice(3) }),
  );
  if (data === undefined || found.some(({ level }) => level === 'error')) {
    return { type: 'problems', problems: sortProblems(found) };
  }
  return { type: 'filter', filter: openFilter(file, data) };
}

function problemAt(file: string, message: string): FilterFile {
  return {
    type: 'problems',
    problems: [{ level: 'error', place: { text: file, line: 0, column: 0 }, path: '', message }],
  };
}
