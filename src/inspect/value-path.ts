/** A way into a JSON value: keys, indexes, and `null` for every item or member. */
export type ValuePath = readonly (string | number | null)[];

const STEP = /\.?([A-Za-z_@][\w@-]*)|\[(?:(\d+)|(\*)|("(?:[^"\\\p{Cc}]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"))\]|\.(\*)/uy;

/** Reads `responseObject.data["a.b"]`, `items[0].name`, `items[*].data`; undefined where it is no path. */
export function parseValuePath(text: string): ValuePath | undefined {
  const path: (string | number | null)[] = [];
  for (STEP.lastIndex = 0; STEP.lastIndex < text.length; ) {
    const at = STEP.lastIndex;
    const match = STEP.exec(text);
    // The first key has no dot before it, all others have.
    if (match === null || (match[1] !== undefined && (at === 0) === match[0].startsWith('.'))) return undefined;
    path.push(stepOf(match));
  }
  return path.length === 0 ? undefined : path;
}

function stepOf([, key, index, , quoted]: RegExpExecArray): string | number | null {
  if (key !== undefined) return key;
  if (index !== undefined) return Number(index);
  return quoted === undefined ? null : (JSON.parse(quoted) as string);
}

/** The texts, numbers and booleans at and below a path that say something: no nulls and no empty texts. */
export function scalarsAt(value: unknown, path: ValuePath): ReadonlySet<string | number | boolean> {
  const found = new Set<string | number | boolean>();
  const stack: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value: at, depth } = next;
    if (typeof at === 'object' && at !== null) {
      const step = depth < path.length ? (path[depth] as string | number | null) : null;
      if (step === null) for (const inner of Object.values(at)) stack.push({ value: inner, depth: depth + 1 });
      else if (Object.prototype.propertyIsEnumerable.call(at, step)) {
        stack.push({ value: (at as Readonly<Record<string | number, unknown>>)[step], depth: depth + 1 });
      }
    } else if (depth >= path.length && at !== null && at !== '' && at !== undefined) {
      found.add(at as string | number | boolean);
    }
  }
  return found;
}
