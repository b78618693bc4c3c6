import { FIELDS, SLOT } from '../../event/field.ts';

/** One step of a path: a member by its name, any member, or each element of an array. */
export type Step =
  | { readonly type: 'member'; readonly name: string }
  | { readonly type: 'any' }
  | { readonly type: 'each' };

/** A way into an event, as it is written in the configuration: `requestObject.spec.containers[].env[].value`. */
export interface FieldPath {
  /** Slot of the first step, a field of the event. */
  readonly slot: number;
  readonly steps: readonly Step[];
}

export type ParsedPath =
  | { readonly ok: true; readonly path: FieldPath }
  /** `column` counts characters from 0. */
  | { readonly ok: false; readonly message: string; readonly column: number };

/** What every output, and who looks for an event, relies on. */
const KEPT: ReadonlySet<string> = new Set([
  'kind',
  'apiVersion',
  'level',
  'auditID',
  'stage',
  'verb',
  'requestReceivedTimestamp',
  'stageTimestamp',
]);

const TOP: ReadonlyMap<string, number> = new Map(
  FIELDS.filter((field) => !field.includes('.')).map((field) => [field, SLOT[field]]),
);

const NAME = /[^.[\]"*\s]+/y;
const STEP = /\.([^.[\]"*\s]+)|\.(\*)|(\[\])|\[("(?:[^"\\]|\\["\\])*")\]/y;

/**
 * Reads a path: names with dots between them, `*` for any key, `[]` for each element of an array, `["a.b/c"]` for a key
 * that is no plain name. It begins with a field of the event, and may not take what names the event.
 */
export function parsePath(text: string): ParsedPath {
  NAME.lastIndex = 0;
  const field = NAME.exec(text)?.[0] ?? '';
  const slot = TOP.get(field);
  if (slot === undefined) {
    return {
      ok: false,
      message: `must begin with a field of the event, such as responseObject, not "${field}"`,
      column: 0,
    };
  }
  if (KEPT.has(field)) return { ok: false, message: `${field} names the event, and stays`, column: 0 };
  const steps: Step[] = [];
  for (let at = field.length; at < text.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const match = STEP.exec(text);
    if (match === null) return { ok: false, message: 'expected .name, .*, [] or ["name"] here', column: at };
    const [, name, any, each, quoted] = match;
    if (any !== undefined) steps.push({ type: 'any' });
    else if (each !== undefined) steps.push({ type: 'each' });
    else steps.push({ type: 'member', name: name ?? (JSON.parse(quoted as string) as string) });
  }
  return { ok: true, path: { slot, steps } };
}

/** One way to write a path: equal paths are written alike. */
export function writePath({ slot, steps }: FieldPath): string {
  const written = steps.map((step) => {
    if (step.type === 'each') return '[]';
    if (step.type === 'any') return '.*';
    NAME.lastIndex = 0;
    return NAME.exec(step.name)?.[0] === step.name ? `.${step.name}` : `[${JSON.stringify(step.name)}]`;
  });
  return `${FIELDS[slot]}${written.join('')}`;
}
