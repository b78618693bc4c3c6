import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { readConfigFile } from '../config/config-file.ts';
import { parseDocument } from '../config/document.ts';
import { checkSchema } from '../config/issues.ts';
import type { Path, Problem } from '../config/problem.ts';
import { formatPath, sortProblems } from '../config/problem.ts';
import { compileExpression } from '../filter/expression.ts';
import type { CompiledExpression } from '../filter/expression.ts';
import type { ValuePath } from './value-path.ts';
import { parseValuePath } from './value-path.ts';

const text = z.string().min(1);
const list = z.union([text, z.array(text).min(1, 'must not be empty')], { error: 'must be text, or a list of texts' });

const expectationSchema = z.strictObject({
  name: text.optional(),
  when: text.optional(),
  auditID: text.optional(),
  stage: z.enum(['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic']).optional(),
  count: z.int().min(1, 'must be at least 1').optional(),
  delivered: z.literal(true).optional(),
  dropped: z.union([z.literal(true), text], { error: 'must be true, or the name of a rule' }).optional(),
  level: z.enum(['Metadata', 'Request', 'RequestResponse']).optional(),
  noValue: list.optional(),
});

const fileSchema = z.strictObject({
  events: list.optional(),
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
type Report = (path: Path, message: string, pointer?: { readonly text: string; readonly column: number }) => void;

/** Reads a file of expectations; all that is wrong with it comes back at once, each with its place. */
export function readExpectations(file: string): ExpectationFile | { readonly problems: readonly Problem[] } {
  const read = readConfigFile(file);
  if ('problem' in read) return { problems: [read.problem] };
  if (read.text.trim() === '') {
    const place = { text: file, line: 0, column: 0 };
    return { problems: [{ level: 'error', place, path: '', message: 'is empty: it has expectations at least' }] };
  }
  const { document, problems } = parseDocument(file, read.text);
  if (document === undefined) return { problems: sortProblems(problems) };
  const found: Problem[] = [...problems];
  const { data, complaints } = checkSchema(fileSchema, document.value);
  for (const { path, message, atKey } of complaints) {
    const place = atKey ? document.placeOfKey(path) : document.placeOfValue(path);
    found.push({ level: 'error', place, path: formatPath(path), message });
  }
  const report: Report = (path, message, pointer) => {
    const place = document.placeOfValue(path);
    found.push({
      level: 'error',
      place,
      path: formatPath(path),
      message,
      ...(pointer === undefined ? {} : { pointer }),
    });
  };
  const expectations = (data?.expectations ?? []).map((raw, at) => {
    const path: Path = ['expectations', at];
    return { ...compile(raw, path, report), ...placeOf(document.placeOfValue(path)) };
  });
  if (data === undefined || found.length > 0) return { problems: sortProblems(found) };
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
