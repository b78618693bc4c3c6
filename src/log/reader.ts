/** What one output remembers of a segment from an earlier run. */
export interface Remembered {
  readonly id: string;
  readonly settled: number;
  readonly done: boolean;
  readonly marks: readonly { readonly offset: number; readonly hash: string }[];
}

/** One output's reading of the log. */
export interface LogReader {
  readonly name: string;
  /** What it remembers of the segments whose id begins with `id` (the id itself, or `id` and a number). */
  remembered(id: string): readonly Remembered[];
}

/** Told what is odd about the log and was dealt with; the words are for the agent's own log, the kind for a metric. */
export type Anomaly = (kind: string, words: string, fields: Readonly<Record<string, unknown>>) => void;
