/** Words that few events hold, each a bit of `Event.marks`: an event without them is soon seen to hold nothing secret. */
export const MARK = {
  /** `eyJ`, as base64 of JSON begins. */
  webToken: 1,
  bearer: 2,
  /** `://user:password@`, or what is too long to tell. */
  userInfo: 4,
  secret: 8,
  /** `H4sI`, as base64 of what gzip writes begins. */
  gzip: 16,
  /** The escape of a character that need not be escaped: `\u0053`. */
  escaped: 32,
  /** The same within JSON in a string: `\\u0053`. */
  escapedTwice: 64,
} as const;
