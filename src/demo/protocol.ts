/** A request of an output, unpacked. */
export interface Delivery {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** One event of a delivery. */
export interface DeliveredEvent {
  readonly bytes: Buffer;
  /** What the receiver knows it by: Elasticsearch's index and `_id`. Empty where there is none. */
  readonly key: string;
}

/** What the endpoint decided about one event of the delivery. */
export interface ItemAnswer {
  readonly status: number;
  /** For Elasticsearch's `error`. */
  readonly type?: string;
  readonly reason?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How one kind of receiver reads deliveries and answers them. */
export interface Protocol {
  /** Throws on what makes no sense, which is answered with 400. */
  read(delivery: Delivery): readonly DeliveredEvent[];
  /** Whether an event of a key that is there already is refused (409) instead of stored again. */
  readonly refusesKnownKeys: boolean;
  answer(items: readonly ItemAnswer[], delivery: Delivery): Answer;
  /** What a refusal of the whole request looks like with this kind of server. */
  refusal(status: number): Answer;
}

export const JSON_TYPE = { 'content-type': 'application/json' };

/** The lines of a body, without their newlines and without empty ones. */
export function lines(body: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf(0x0a, start);
    const end = newline < 0 ? body.length : newline;
    if (end > start) found.push(body.subarray(start, end));
    start = end + 1;
  }
  return found;
}
