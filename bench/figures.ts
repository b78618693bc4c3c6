/** How the benchmarks say a figure. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** Three digits. */
export function figure(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Median, lowest and highest: `2.10 (2.00–2.40)`. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const [low, high] = [figure(Math.min(...values)), figure(Math.max(...values))];
  return low === high ? low : `${figure(median(values))} (${low}–${high})`;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
