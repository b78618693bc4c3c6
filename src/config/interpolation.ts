import type { Path } from './problem.ts';
import type { Complaint } from './report.ts';

/** Keys whose text is a language of its own, or somebody else's. */
const FREE_TEXT = new Set(['when', 'labels']);

/**
 * `${NAME}` in a value: many programs fill that in, this one does not (a value could then change the structure around
 * it), and would send it on as it stands.
 */
export function findInterpolation(value: unknown, path: Path = []): readonly Complaint[] {
  if (typeof value === 'string') {
    const name = /\$\{(\w+)\}|^\$([A-Z_]+)$/.exec(value);
    if (name === null) return [];
    return [
      {
        path,
        message: `${name[0]} is not filled in; write the value itself, or { env: ${name[1] ?? name[2]} } where a reference is taken`,
      },
    ];
  }
  // Deeper than any configuration: an alias that holds itself.
  if (typeof value !== 'object' || value === null || path.length > 16) return [];
  const entries: readonly [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return entries.flatMap(([key, part]) => (FREE_TEXT.has(String(key)) ? [] : findInterpolation(part, [...path, key])));
}
