import type { Path } from './problem.ts';
import type { Complaint } from './report.ts';

/** Keys whose text is a language of its own. */
const EXPRESSIONS = new Set(['when']);
/** Keys whose text is somebody else's, so that it may be meant. */
const FREE_TEXT = new Set<string | number>(['labels']);

/**
 * `${NAME}` in a value: many programs fill that in, this one does not (a value could then change the structure around
 * it), and would send it on as it stands.
 */
export function findInterpolation(value: unknown, path: Path = []): readonly Complaint[] {
  if (typeof value === 'string') {
    const name = /\$\{(\w+)\}|^\$([A-Z_]+)$/.exec(value);
    if (name === null) return [];
    if (path.some((key) => FREE_TEXT.has(key)))
      return [{ path, level: 'warning', message: `${name[0]} is sent as it stands: nothing is filled in` }];
    const reference = `{ env: ${name[1] ?? name[2]} }`;
    const message = `${name[0]} is not filled in; write the value itself, or ${reference} where a reference is taken`;
    return [{ path, message }];
  }
  // Deeper than any configuration: an alias that holds itself.
  if (typeof value !== 'object' || value === null || path.length > 16) return [];
  const entries: readonly [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return entries.flatMap(([key, part]) =>
    EXPRESSIONS.has(String(key)) ? [] : findInterpolation(part, [...path, key]),
  );
}
