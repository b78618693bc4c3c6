/** A number that is only known to lie between two: what was being written or settled at the moment of counting. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

export const NOTHING: Range = { least: 0, most: 0 };

export function exactly(count: number): Range {
  return { least: count, most: count };
}

export function plus(a: Range, b: Range): Range {
  return { least: a.least + b.least, most: a.most + b.most };
}

/** Whether both can be the same number. */
export function agree(a: Range, b: Range): boolean {
  return a.least <= b.most && b.least <= a.most;
}
