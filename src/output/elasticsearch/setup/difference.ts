/** Where the actual value is not what it should be: a line for each leaf, `+` to come, `-` to go. */
export function difference(
  desired: unknown,
  actual: unknown,
  exact: readonly string[] = [],
  path = '',
): readonly string[] {
  if (isRecord(desired) && (isRecord(actual) || Object.keys(desired).length > 0)) {
    const there = isRecord(actual) ? actual : {};
    const lines = Object.entries(desired).flatMap(([key, value]) =>
      difference(value, there[key], exact, path === '' ? key : `${path}.${key}`),
    );
    // A server fills in defaults of its own; only where all is ours, what is there beyond it has to go.
    if (!exact.some((start) => path === start || path.startsWith(`${start}.`))) return lines;
    const gone = Object.keys(there).filter((key) => !(key in desired));
    return [...lines, ...gone.flatMap((key) => leaves(there[key], `${path}.${key}`).map((line) => `- ${line}`))];
  }
  if (Array.isArray(desired) && Array.isArray(actual) && desired.length === actual.length) {
    return desired.flatMap((value, at) => difference(value, actual[at], exact, `${path}[${at}]`));
  }
  if (same(desired, actual)) return [];
  return [
    ...(actual === undefined ? [] : leaves(actual, path).map((line) => `- ${line}`)),
    ...leaves(desired, path).map((line) => `+ ${line}`),
  ];
}

/** Servers give numbers and switches back as text. */
function same(desired: unknown, actual: unknown): boolean {
  if (Array.isArray(desired)) return false;
  return !isRecord(actual) && actual !== undefined && String(desired) === String(actual);
}

function leaves(value: unknown, path: string): readonly string[] {
  if (isRecord(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, part]) => leaves(part, `${path}.${key}`));
  }
  return [`${path}: ${JSON.stringify(value)}`];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
