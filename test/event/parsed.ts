import type { EventView } from '../../src/event/event-view.ts';
import { FIELDS } from '../../src/event/field.ts';

/** What `JSON.parse` makes of the bytes. */
export type Parsed = { readonly valid: true; readonly value: unknown } | { readonly valid: false };

export function parse(bytes: Buffer): Parsed {
  try {
    return { valid: true, value: JSON.parse(bytes.toString()) };
  } catch {
    return { valid: false };
  }
}

/** The fields that the view shows otherwise than `JSON.parse`, each as a sentence; none where the two agree. */
export function differences(view: EventView, parsed: unknown): readonly string[] {
  return FIELDS.flatMap((field, slot) => {
    const expected = valueAt(parsed, field);
    const start = view.valueStart(slot);
    const raw = view.bytes.toString('utf8', Math.max(start, 0), view.valueEnd(slot));
    const wrong: string[] = [];
    if (start === -1 ? expected !== undefined : !same(JSON.parse(raw), expected)) wrong.push(`${field} is ${raw}`);
    if (view.has(slot) !== (expected !== undefined && expected !== null)) wrong.push(`has ${field}`);
    if (view.text(slot) !== (typeof expected === 'string' ? expected : '')) wrong.push(`text of ${field}`);
    if (!Object.is(view.number(slot), typeof expected === 'number' ? expected : 0)) wrong.push(`number of ${field}`);
    const list = Array.isArray(expected) ? expected.filter((item) => typeof item === 'string') : [];
    if (!same(view.list(slot), list)) wrong.push(`list of ${field}`);
    return wrong;
  });
}

/** Whether two values that `JSON.parse` gave are the same, however deep they are. */
function same(one: unknown, other: unknown): boolean {
  const pairs: [unknown, unknown][] = [[one, other]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair;
    if (!isObject(left) || !isObject(right)) {
      if (!Object.is(left, right)) return false;
      continue;
    }
    const keys = Object.keys(left);
    if (Array.isArray(left) !== Array.isArray(right) || keys.length !== Object.keys(right).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(right, key)) return false;
      pairs.push([left[key], right[key]]);
    }
  }
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path.split('.')) {
    if (!isObject(at) || Array.isArray(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}
