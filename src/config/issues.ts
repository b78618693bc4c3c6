import type { z } from 'zod';
import type { Path } from './problem.ts';
import { suggest } from './suggestion.ts';

/** What the schema has against a value, in words. */
export interface SchemaComplaint {
  readonly path: Path;
  readonly message: string;
  /** Whether to point at the key rather than at its value. */
  readonly atKey: boolean;
}

type Issue = z.core.$ZodIssue;
type Shape = Readonly<Record<string, unknown>>;

/** Checks a value, and says in words what is wrong with it: all of it at once. */
export function checkSchema<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { data?: z.output<Schema>; complaints: readonly SchemaComplaint[] } {
  // zod's issues do not say which keys would have been allowed, but its error map sees the schema that complained.
  const shapes = new Map<string, Shape>();
  const parsed = schema.safeParse(value, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') shapes.set(JSON.stringify(issue.path ?? []), shapeOf(issue.inst) ?? {});
      return undefined;
    },
  });
  if (parsed.success) return { data: parsed.data, complaints: [] };
  const complaints = parsed.error.issues.flatMap((issue) => complain(issue, value, shapes));
  return { complaints: complaints.filter((complaint) => !isExplained(complaint, complaints)) };
}

interface UnknownKey extends SchemaComplaint {
  readonly meant?: string;
}

function complain(issue: Issue, root: unknown, shapes: ReadonlyMap<string, Shape>): readonly UnknownKey[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const shape = shapes.get(JSON.stringify(issue.path)) ?? {};
    const within = valueAt(root, path);
    return issue.keys.map((key) => unknownKey(path, key, shape, within));
  }
  const value = valueAt(root, path);
  return [{ path, message: words(issue, value), atKey: value === undefined || value === null }];
}

function unknownKey(path: Path, key: string, shape: Shape, within: unknown): UnknownKey {
  const known = Object.keys(shape);
  const given = typeof within === 'object' && within !== null ? Object.keys(within) : [];
  const meant =
    suggest(
      key,
      known.filter((name) => !given.includes(name)),
    ) ?? nested(shape, key);
  const type = valueAt(within, ['type']);
  const merge = key === '<<' ? 'is no merge key here (YAML 1.2 has none); write the keys out' : undefined;
  const plain = typeof type === 'string' ? `no option of type ${type}` : 'unknown option';
  return {
    path: [...path, key],
    message: merge ?? (meant === undefined ? plain : `unknown option; did you mean ${JSON.stringify(meant)}?`),
    atKey: true,
    ...(meant === undefined ? {} : { meant }),
  };
}

/** `maxEvents` in an output was meant for its `batch`. */
function nested(shape: Shape, key: string): string | undefined {
  const owner = Object.entries(shape).find(([, schema]) => Object.hasOwn(shapeOf(schema) ?? {}, key));
  return owner === undefined ? undefined : `${owner[0]}.${key}`;
}

function shapeOf(schema: unknown): Shape | undefined {
  const def = (schema as Partial<z.core.$ZodType> | undefined)?._zod?.def as
    | { readonly shape?: Shape; readonly innerType?: unknown }
    | undefined;
  if (def?.shape !== undefined) return def.shape;
  return def?.innerType === undefined ? undefined : shapeOf(def.innerType);
}

/** A key that is missing needs no word of its own where a misspelt one stands in its place. */
function isExplained(complaint: UnknownKey, all: readonly UnknownKey[]): boolean {
  if (complaint.message !== REQUIRED && !complaint.message.startsWith(`${REQUIRED}:`)) return false;
  return all.some(
    ({ meant, path }) =>
      meant !== undefined &&
      path.length === complaint.path.length &&
      formatKey([...path.slice(0, -1), meant]) === formatKey(complaint.path),
  );
}

function formatKey(path: Path): string {
  return JSON.stringify(path);
}

const REQUIRED = 'is required';

function words(issue: Issue, value: unknown): string {
  if (value === null) return 'is empty: give it a value, or remove the line';
  switch (issue.code) {
    case 'invalid_type':
      if (value === undefined) return REQUIRED;
      return `must be ${kind(issue.expected)}, not ${describe(value)}${needsQuotes(issue.expected, value)}`;
    case 'invalid_value':
      return choice(issue.values.map(String), value);
    case 'invalid_union':
      if ('options' in issue && Array.isArray(issue.options)) return choice(issue.options.map(String), value);
      return value === undefined ? REQUIRED : issue.message;
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return issue.origin === 'array' ? issue.message : `must be at least ${issue.minimum}, not ${String(value)}`;
    case 'too_big':
      return `must be at most ${issue.maximum}, not ${String(value)}`;
    default:
      return issue.message;
  }
}

function choice(allowed: readonly string[], value: unknown): string {
  const list = allowed.join(', ');
  if (value === undefined) return `${REQUIRED}: one of ${list}`;
  const meant = typeof value === 'string' ? suggest(value, allowed) : undefined;
  const end = meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`;
  return `must be one of ${list}, not ${describe(value)}${end}`;
}

/** YAML takes 2026 and true for what they look like. */
function needsQuotes(expected: string, value: unknown): string {
  return expected === 'string' && ['number', 'boolean'].includes(typeof value) ? '; put quotes around it' : '';
}

function kind(expected: string): string {
  const kinds: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping (key: value)',
    record: 'a mapping (key: value)',
  };
  return kinds[expected] ?? expected;
}

/** Names a value that is not what it should be; long ones are cut. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'number') return `the number ${value}`;
  return String(value);
}

export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return value;
}
