import { printable } from './printable.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Rows under their titles, in columns as wide as they need to be; the last one is not padded. Cells are made printable. */
export function formatTable(columns: readonly Column[], content: readonly (readonly string[])[]): string {
  const rows = content.map((row) => row.map(printable));
  const widths = columns.map(({ title }, at) =>
    rows.reduce((width, row) => Math.max(width, (row[at] ?? '').length), title.length),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align = 'left' }, at) => {
        const cell = cells[at] ?? '';
        const width = widths[at] as number;
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)].join('\n');
}
