import { isRecord } from './difference.ts';

/** Fields of which the type is not the desired one, `+ path: type` and `- path: type`. What an index has beyond it does not matter. */
export function typesBeside(desired: unknown, found: unknown): readonly string[] {
  const there = typesOf(found, '');
  return [...typesOf(desired, '')].flatMap(([path, type]) => {
    const actual = there.get(path);
    if (actual === type) return [];
    return [...(actual === undefined ? [] : [`- ${path}: ${actual}`]), `+ ${path}: ${type}`];
  });
}

function typesOf(mapping: unknown, path: string): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  const fields = isRecord(mapping) ? mapping['properties'] : undefined;
  if (!isRecord(fields)) return types;
  for (const [name, field] of Object.entries(fields)) {
    const at = path === '' ? name : `${path}.${name}`;
    if (!isRecord(field)) continue;
    if (typeof field['type'] === 'string' && field['type'] !== 'object') types.set(at, field['type']);
    for (const [inner, type] of typesOf(field, at)) types.set(inner, type);
  }
  return types;
}
