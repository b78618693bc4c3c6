/** An event at the edge of a gap, so that a person can find it in the log or the store. */
export interface EventReference {
  readonly auditID: string;
  readonly stage: string;
  readonly time: string;
}

export type LossReason =
  | 'gap' // segments vanished unseen between two that were read
  | 'deleted' // a segment was deleted before it was read to its end
  | 'retention' // let go because pins or open files reached their bound
  | 'truncated' // the file became shorter, or other bytes stand where it had been read
  | 'corrupt' // a compressed backup is cut off or damaged
  | 'too-old' // the receiver takes nothing so old
  | 'not-taken' // what `startAt` left out
  | 'spool-full' // the spool let its oldest go
  | 'pipe'; // what a pipe held when its reader died

/** A part of the trail that no output can have any more. There is no silent loss: each has one of these. */
export interface Loss {
  readonly reason: LossReason;
  /** `suspected` where there is no proof, and no proof of the contrary. */
  readonly proof: 'certain' | 'suspected';
  /** Identity and last known file name of the segment, where there is one. */
  readonly segment?: string;
  readonly name?: string;
  /** Byte range in the uncompressed content; `to` is missing where nobody can know. */
  readonly from?: number;
  readonly to?: number;
  /** The last event that was there before and the first after. */
  readonly after?: EventReference;
  readonly before?: EventReference;
  readonly words: string;
}
