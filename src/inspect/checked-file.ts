import * as z from 'zod';
import { readConfigFile } from '../config/config-file.ts';
import { type ConfigDocument, parseDocument } from '../config/document.ts';
import { checkSchema } from '../config/issues.ts';
import { formatPath, type Path, type Problem, sortProblems } from '../config/problem.ts';

/** A text, or a list of some. */
export const text = z.string().min(1);
export const texts = z.union([text, z.array(text).min(1, 'must not be empty')], {
  error: 'must be text, or a list of texts',
});

/** A YAML file against its schema. Whoever reads it adds what else is wrong to the problems. */
export interface CheckedFile<Data> {
  /** Undefined where the schema does not hold. */
  readonly data: Data | undefined;
  readonly document: ConfigDocument;
  readonly problems: Problem[];
  readonly report: (path: Path, message: string, pointer?: { readonly text: string; readonly column: number }) => void;
}

/** Reads a file of a kind of its own; all that is wrong with it comes back at once, each with its place. */
export function readCheckedFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): CheckedFile<z.output<Schema>> | { readonly problems: readonly Problem[] } {
  const read = readConfigFile(file);
  if ('problem' in read) return { problems: [read.problem] };
  if (read.text.trim() === '') {
    const place = { text: file, line: 0, column: 0 };
    return { problems: [{ level: 'error', place, path: '', message: 'is empty: it has expectations at least' }] };
  }
  const { document, problems: found } = parseDocument(file, read.text);
  if (document === undefined) return { problems: sortProblems(found) };
  const problems: Problem[] = [...found];
  const { data, complaints } = checkSchema(schema, document.value);
  for (const { path, message, atKey } of complaints) {
    const place = atKey ? document.placeOfKey(path) : document.placeOfValue(path);
    problems.push({ level: 'error', place, path: formatPath(path), message });
  }
  const report: CheckedFile<z.output<Schema>>['report'] = (path, message, pointer) => {
    const place = document.placeOfValue(path);
    const own = pointer === undefined ? {} : { pointer };
    problems.push({ level: 'error', place, path: formatPath(path), message, ...own });
  };
  return { data, document, problems, report };
}
