import type { Path, Problem } from './problem.ts';

export interface Complaint {
  readonly path: Path;
  readonly message: string;
  readonly level?: 'error' | 'warning';
  /** Whether to point at the key rather than at its value. */
  readonly atKey?: boolean;
  readonly pointer?: { readonly text: string; readonly column: number };
  /** Where it stands in another file that the configuration names, and its path there. */
  readonly elsewhere?: Pick<Problem, 'place' | 'path'>;
}

/** Takes what a check has to say. */
export type Report = (complaint: Complaint) => void;

/** Items of a list that are in order by themselves, with their place in it. */
export type Sound<Item> = readonly { readonly at: number; readonly item: Item }[];
