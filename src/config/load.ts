import { existsSync } from 'node:fs';
import { AuditailError } from '../errors.ts';
import { checkAlerts } from './alert-checks.ts';
import type { FilterChecks } from './filter-checks.ts';
import { checkFilters } from './filter-checks.ts';
import { readConfigFile } from './config-file.ts';
import { crossCheck } from './cross-checks.ts';
import { DEFAULT_CONFIG_FILE, DEFAULT_STATE_DIRECTORY } from './default-places.ts';
import type { ConfigDocument } from './document.ts';
import { parseDocument } from './document.ts';
import { findInterpolation } from './interpolation.ts';
import { checkSchema, valueAt } from './issues.ts';
import { outputSchema } from './output-schema.ts';
import { checkDeadLetters } from './dead-letter-checks.ts';
import { memoryBounds, outputsWithin } from './memory-bounds.ts';
import { describesPipeline, overlaySettings, placeOfSetting } from './overlay.ts';
import type { Path, Place, Problem } from './problem.ts';
import { formatPath, sortProblems } from './problem.ts';
import type { Environment } from './reference.ts';
import { resolveReference } from './reference.ts';
import type { Complaint, Report, Sound } from './report.ts';
import type { Config, Metadata, Reference } from './schema.ts';
import { configSchema } from './schema.ts';
import type { Given, Settings } from './settings.ts';
import { givenSettings, unknownVariables } from './settings.ts';
import { sourceSchema } from './source-schema.ts';

export interface LoadInput extends FilterChecks {
  /** From `--config`; `AUDITAIL_CONFIG` where it is not given. */
  readonly file?: string;
  readonly flags: Settings;
  readonly environment: Environment;
  /** Bytes that the process may take; infinite where nothing bounds it. */
  readonly memoryLimit?: number;
  /** Where to look if nothing else says anything. */
  readonly defaultFile?: string;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly file: string | undefined;
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly file: string | undefined; readonly problems: readonly Problem[] };

/**
 * Reads the configuration: flags win over the environment, and that over the file. All that is wrong with it comes back
 * at once, each problem with its place. Throws `AUD_USAGE` where nothing says what to do at all.
 */
export function loadConfig(input: LoadInput): Loaded {
  const { file, flags, environment, defaultFile = DEFAULT_CONFIG_FILE } = input;
  const given = givenSettings(flags, environment);
  const chosen = chooseFile(file ?? (environment['AUDITAIL_CONFIG'] || undefined), given, defaultFile);
  const read = chosen === undefined ? { text: undefined } : readConfigFile(chosen);
  if ('problem' in read) return { ok: false, file: chosen, problems: [read.problem] };
  const parsed = read.text === undefined ? { problems: [] } : parseDocument(chosen as string, read.text);
  if (read.text !== undefined && parsed.document === undefined) {
    return { ok: false, file: chosen, problems: sortProblems(parsed.problems) };
  }
  const overlaid = overlaySettings(parsed.document?.value ?? {}, given);
  const problems: Problem[] = [...parsed.problems, ...overlaid.problems];
  for (const { name, meant } of unknownVariables(environment)) {
    const message = `is no variable of auditail; did you mean ${meant}?`;
    problems.push({ level: 'warning', place: placeOfSetting(name), path: '', message });
  }
  const report: Report = (complaint) => {
    const { level = 'error', message, pointer, elsewhere } = complaint;
    const place = elsewhere?.place ?? placeOf(complaint, parsed.document, overlaid.origins, chosen);
    const path = elsewhere?.path ?? formatPath(complaint.path);
    problems.push({ level, place, path, message, ...(pointer === undefined ? {} : { pointer }) });
  };
  const config = check(overlaid.value, input, report);
  const sorted = sortProblems(problems);
  if (config === undefined || sorted.some(({ level }) => level === 'error'))
    return { ok: false, file: chosen, problems: sorted };
  return { ok: true, config: freeze(config), file: chosen, warnings: sorted };
}

function chooseFile(file: string | undefined, given: readonly Given[], defaultFile: string): string | undefined {
  if (file !== undefined) return file;
  if (describesPipeline(given)) return undefined;
  if (existsSync(defaultFile)) return defaultFile;
  throw new AuditailError('AUD_USAGE', `there is nothing to do: no --config, no flags, and no ${defaultFile}`, {
    hint: 'The shortest command that works:\n  auditail --audit-log-path /var/log/kubernetes/audit/audit.log --output elasticsearch --url http://127.0.0.1:9200 --index audit',
  });
}

/** The configuration, where the schema has nothing against it; every complaint goes to `report`. */
function check(value: unknown, input: LoadInput, report: Report): Config | undefined {
  const { environment } = input;
  const { data, complaints } = checkSchema(configSchema, value);
  for (const complaint of complaints) report(complaint);
  for (const complaint of findInterpolation(value)) if (!isTemplate(value, complaint.path)) report(complaint);
  const sources = data === undefined ? sound(sourceSchema, valueAt(value, ['sources'])) : itemsOf(data.sources);
  const outputs = data === undefined ? sound(outputSchema, valueAt(value, ['outputs'])) : itemsOf(data.outputs);
  const stateDirectory = valueAt(value, ['stateDirectory']);
  const sourceNames = [valueAt(value, ['sources'])].flat().map((source) => String(valueAt(source, ['name'])));
  crossCheck(
    {
      stateDirectory:
        typeof stateDirectory === 'string' && stateDirectory !== '' ? stateDirectory : DEFAULT_STATE_DIRECTORY,
      sources,
      outputs,
      sourceNames,
      metadata: Object.keys(Object(valueAt(value, ['metadata'])) as object),
    },
    environment,
    report,
  );
  checkFilters(value, input, report);
  if (data === undefined) return undefined;
  checkAlerts(data, input, report);
  const metadata = resolveMetadata(data.metadata, environment, report);
  const memoryLimit = input.memoryLimit ?? Number.POSITIVE_INFINITY;
  const bounds = memoryBounds(data, value, memoryLimit, report);
  const within = outputsWithin(data.outputs, value, memoryLimit);
  checkDeadLetters(within, bounds.maxLineBytes, report);
  return { ...data, ...bounds, outputs: within, metadata, namesSources: data.metadata.source };
}

/** Headers of an `http` output are filled in; see header-template.ts. */
function isTemplate(value: unknown, path: Path): boolean {
  const [list, at, headers] = path;
  if (list !== 'outputs' || at === undefined || headers !== 'headers' || path.length !== 4) return false;
  return valueAt(value, ['outputs', at, 'type']) === 'http' && String(valueAt(value, path)).includes('${');
}

function itemsOf<Item>(items: readonly Item[]): Sound<Item> {
  return items.map((item, at) => ({ at, item }));
}

/** Items that pass the schema, if need be without what it complains of: one fault is to hide no other. */
function sound<Schema extends typeof sourceSchema | typeof outputSchema>(schema: Schema, list: unknown) {
  return (Array.isArray(list) ? list : []).flatMap((raw: unknown, at) => {
    const { data, complaints } = checkSchema(schema, raw);
    const mended =
      data ??
      checkSchema(
        schema,
        without(
          raw,
          complaints.map(({ path }) => path),
        ),
      ).data;
    return mended === undefined ? [] : [{ at, item: mended as ReturnType<Schema['parse']> }];
  });
}

function without(value: unknown, paths: readonly Path[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => {
      const inner = paths.filter(([first]) => first === key).map((path) => path.slice(1));
      return inner.some(({ length }) => length === 0) ? [] : [[key, without(part, inner)]];
    }),
  );
}

function resolveMetadata(
  metadata: { readonly cluster?: Reference | undefined; readonly node?: Reference | undefined },
  environment: Environment,
  report: Report,
): Metadata {
  const texts: { cluster?: string; node?: string } = {};
  for (const key of ['cluster', 'node'] as const) {
    const reference = metadata[key];
    if (reference === undefined) continue;
    const resolved = resolveReference(reference, environment);
    if ('text' in resolved) texts[key] = resolved.text;
    else report({ path: ['metadata', key], message: resolved.problem });
  }
  return texts;
}

function placeOf(
  { path, atKey = false }: Complaint,
  document: ConfigDocument | undefined,
  origins: ReadonlyMap<string, string>,
  file: string | undefined,
): Place {
  for (let length = path.length; length > 0; length -= 1) {
    const origin = origins.get(formatPath(path.slice(0, length)));
    if (origin !== undefined) return placeOfSetting(origin);
  }
  if (document !== undefined) return atKey ? document.placeOfKey(path) : document.placeOfValue(path);
  return placeOfSetting(file ?? missingFlag(path));
}

/** Without a file, what is missing has no place; it is the command line that should have said it. */
function missingFlag(path: Path): string {
  if (path[0] === 'sources') return '--audit-log-path';
  return path[0] === 'outputs' ? '--output' : 'command line';
}

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}
