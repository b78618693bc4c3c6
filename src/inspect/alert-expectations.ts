import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { type Problem, sortProblems } from '../config/problem.ts';
import { readCheckedFile, text, texts } from './checked-file.ts';

const schema = z.strictObject({
  rules: texts.optional(),
  expectations: z
    .array(
      z.strictObject({
        name: text.optional(),
        rule: text,
        events: texts,
        fires: z.int().min(1, 'must be at least 1; quiet: true where nothing may be told').optional(),
        quiet: z.literal(true).optional(),
        summary: text.optional(),
      }),
    )
    .min(1, 'must have one at least'),
});

/** What is expected of one rule on some recorded events. */
export interface AlertExpectation {
  readonly name: string;
  /** `expectations.yaml:12:5` */
  readonly place: string;
  readonly rule: string;
  readonly events: readonly string[];
  /** How many alerts; 0 for none, undefined for one at least. */
  readonly alerts: number | undefined;
  /** Text that stands in one of the summaries. */
  readonly summary: string | undefined;
}

export interface AlertExpectationFile {
  readonly file: string;
  /** Files of rules, from the place of the file. */
  readonly rules: readonly string[] | undefined;
  readonly expectations: readonly AlertExpectation[];
}

/** Reads a file of expectations of alert rules; all that is wrong with it comes back at once, each with its place. */
export function readAlertExpectations(file: string): AlertExpectationFile | { readonly problems: readonly Problem[] } {
  const read = readCheckedFile(file, schema);
  if (!('document' in read)) return read;
  const { data, document, problems, report } = read;
  const at = (name: string) => resolve(dirname(file), name);
  const expectations = (data?.expectations ?? []).map((one, index): AlertExpectation => {
    const path = ['expectations', index];
    if (one.quiet !== undefined && (one.fires !== undefined || one.summary !== undefined)) {
      report(path, 'cannot be quiet and fire');
    }
    return {
      name: one.name ?? `${one.rule} ${one.quiet === true ? 'is quiet' : 'fires'}`,
      place: document.placeOfValue(path).text,
      rule: one.rule,
      events: [one.events].flat().map(at),
      alerts: one.quiet === true ? 0 : one.fires,
      summary: one.summary,
    };
  });
  if (problems.length > 0) return { problems: sortProblems(problems) };
  return { file, rules: data?.rules === undefined ? undefined : [data.rules].flat().map(at), expectations };
}
