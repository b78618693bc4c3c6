/** What an alert tells of one event: who did what to what, and from where. Bounded, and without bodies. */
export interface Facts {
  readonly time: string;
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly user: string;
  readonly as?: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  readonly code: number;
  readonly sourceIPs: string;
  readonly userAgent: string;
}

/** That one rule has matched one event. */
export interface RuleMatch {
  readonly rule: string;
  /** Of the rule as it was: see `Rule.hash`. */
  readonly hash: string;
  /** Values of what the alert is grouped by. */
  readonly group: readonly string[];
  /** What is counted or learnt. */
  readonly value: string;
  /** What the summary shows of the event. */
  readonly shown: Readonly<Record<string, string>>;
}

/** All that the rules found in one event. This is what goes through the pipeline in the event's place. */
export interface Found {
  /** Names this occurrence of the event: where in the trail it stands, and its content. */
  readonly occurrence: string;
  /** Names the request: the same for its other stages. Empty where no rule looks at several stages. */
  readonly request: string;
  /** The event's own time, ms since the epoch. */
  readonly timeMs: number;
  readonly matches: readonly RuleMatch[];
  /** Null where all that the matches do is to be counted: nobody is told of this event. */
  readonly facts: Facts | null;
}
