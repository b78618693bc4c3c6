import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import type { Path, Problem } from '../config/problem.ts';
import { sortProblems } from '../config/problem.ts';
import { compileExpression } from '../filter/expression.ts';
import type { CompiledExpression } from '../filter/expression.ts';
import { type CheckedFile, readCheckedFile, text, texts } from './checked-file.ts';
import type { ValuePath } from './value-path.ts';
import { parseValuePath } from './value-path.ts';

const expectationSchema = z.strictObject({
  name: text.optional(),
  when: text.optional(),
  auditID: text.optional(),
  stage: z.enum(['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic']).optional(),
  count: z.int().min(1, 'must be at least 1').optional(),
  delivered: z.literal(true).optional(),
  dropped: z.union([z.literal(true), text], { error: 'must be true, or the name of a rule' }).optional(),
  level: z.enum(['Metadata', 'Request', 'RequestResponse']).optional(),
  noValue: texts.optional(),
});

const fileSchema = z.strictObject({
  events: texts.optional(),
  filter: text.optional(),
  expectations: z.array(expectationSchema).min(1, 'must have one at least'),
});

/** What is expected of the events that it is about. */
export interface Expectation {
  readonly name: string;
  /** `expectations.yaml:12:5` */
  readonly place: string;
  readonly line: number;
  readonly when: Extract<CompiledExpression, { readonly ok: true }>['holds'] | undefined;
  readonly auditID: string | undefined;
  readonly stage: string | undefined;
  /** How many events it is about; undefined for one at least. */
  readonly count: number | undefined;
  readonly outcome: 'delivered' | 'dropped';
  /** The rule that drops them. */
  readonly rule: string | undefined;
  /** The level of what is delivered. */
  readonly level: string | undefined;
  /** Where nothing may be seen of what was recorded. */
  readonly noValue: readonly { readonly text: string; readonly path: ValuePath }[];
}

export interface ExpectationFile {
  readonly file: string;
  /** Recorded events, from the place of the file. */
  readonly events: readonly string[];
  readonly filter: string | undefined;
  readonly expectations: readonly Expectation[];
}

type Raw = z.output<typeof expectationSchema>;
type Report = CheckedFile<unknown>['report'];

/** Reads a file of expectations; all that is wrong with it comes back at once, each with its place. */
export function readExpectations(file: string): ExpectationFile | { readonly problems: readonly Problem[] } {
  const read = readCheckedFile(file, fileSchema);
  if (!('document' in read)) return read;
  const { data, document, problems, report } = read;
  const expectations = (data?.expectations ?? []).map((raw, at) => {
    const path: Path = ['expectations', at];
    return { ...compile(raw, path, report), ...placeOf(document.placeOfValue(path)) };
  });
  if (data === undefined || problems.length > 0) return { problems: sortProblems(problems) };
  const events = data.events === undefined ? [] : [data.events].flat();
  return {
    file,
    events: events.map((name) => resolve(dirname(file), name)),
    filter: data.filter === undefined ? undefined : resolve(dirname(file), data.filter),
    expectations,
  };
}

function placeOf({ text: place, line }: { readonly text: string; readonly line: number }) {
  return { place, line };
}

function compile(raw: Raw, path: Path, report: Report): Omit<Expectation, 'place' | 'line'> {
  const { when, auditID, stage, count, delivered, dropped, level } = raw;
  const paths = raw.noValue === undefined ? [] : [raw.noValue].flat();
  if (when === undefined && auditID === undefined)
    report(path, 'says of no event what it expects: add when or auditID');
  const compiled = when === undefined ? undefined : compileExpression(when);
  if (compiled?.ok === false) {
    report([...path, 'when'], compiled.message, { text: when?.replaceAll(/\s/g, ' ') ?? '', column: compiled.column });
  }
  if (delivered === undefined && dropped === undefined && level === undefined && raw.noValue === undefined) {
    report(path, 'expects nothing: add delivered, dropped, level or noValue');
  }
  if (dropped !== undefined && (delivered !== undefined || level !== undefined || raw.noValue !== undefined)) {
    report([...path, 'dropped'], 'what is dropped is not delivered: this cannot be expected of one event');
  }
  const noValue = paths.flatMap((one, at) => {
    const parsed = parseValuePath(one);
    if (parsed !== undefined) return [{ text: one, path: parsed }];
    const place = Array.isArray(raw.noValue) ? [...path, 'noValue', at] : [...path, 'noValue'];
    report(place, 'is no path, such as responseObject.data or requestObject.items[*].data["a.b"]');
    return [];
  });
  return {
    name: raw.name ?? [when, auditID, stage].filter((part) => part !== undefined).join(' '),
    when: compiled?.ok === true ? compiled.holds : undefined,
    auditID,
    stage,
    count,
    outcome: dropped === undefined ? 'delivered' : 'dropped',
    rule: typeof dropped === 'string' ? dropped : undefined,
    level,
    noValue,
  };
}
