/**
 * A part of what was recorded: whole lines at `[start, end)` of a buffer that is used again for the next block (only
 * the last line of a file may be without its line feed), or word of a line that is too long, or of the rest of a file
 * that cannot be read.
 */
export type Block =
  | {
      readonly type: 'lines';
      readonly name: string;
      readonly bytes: Buffer;
      readonly start: number;
      readonly end: number;
    }
  | { readonly type: 'too-long'; readonly name: string; readonly bytes: number }
  | { readonly type: 'unreadable'; readonly name: string; readonly words: string };
