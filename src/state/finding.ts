/** What was found amiss when state was opened, and dealt with: a value for the log, never an exception. */
export interface StateFinding {
  /**
   * - `damaged`: bytes that cannot be what was written; they were set aside or left in place, not used.
   * - `missing`: a file is gone that should be there; the previous generation was taken.
   * - `torn`: the last write before a crash was cut off; that tail was removed. What had been confirmed is not in it.
   */
  readonly what: 'damaged' | 'missing' | 'torn';
  readonly file: string;
  readonly words: string;
  /** Where the damaged file was moved, for a person to look at. */
  readonly movedTo?: string;
}
