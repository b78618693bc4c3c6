import type { Event } from '../event/event.ts';
import type { Batch, ItemWriter, Part } from '../pipeline/batch.ts';

/** The raw bytes of the line that an event came from: what content ids are made of, whatever a filter cut. */
export interface RawLine {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** An item that the receiver will never take, as it said itself. */
export interface Rejection {
  readonly item: number;
  /** HTTP status of the item, or of the answer where items have none; 0 where the output found it out by itself. */
  readonly status: number;
  /** A short stable word for the ledger and the metrics, e.g. `mapper_parsing_exception`, `line-too-long`. */
  readonly reason: string;
  /** The receiver's own words, cut to 2 KiB. */
  readonly words: string;
  /** `lost` records the range and the reason without a copy (a backlog older than the server takes). */
  readonly outcome: 'deadLettered' | 'lost';
}

/**
 * Items that have not been stored and have to be sent again.
 * - `retry`: later, after a back-off: the receiver is busy, down or cannot be reached.
 * - `split`: at once, in halves: the request was too large or one of its events spoils it.
 * - `suspect`: refused as a whole in a way that may be the fault of a single event: tried again, then bisected.
 * - `hold`: later, and nothing is ever given up: somebody has to mend credentials, an index, a quota.
 */
export interface Again {
  readonly how: 'retry' | 'split' | 'suspect' | 'hold';
  /** Indexes of items, ascending. */
  readonly items: readonly number[];
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  readonly reason: string;
  /** The receiver's own words, or the socket's; cut to 2 KiB, free of secrets. */
  readonly words: string;
  /** What `Retry-After` asked for. */
  readonly retryAfterMs?: number;
}

/** What became of a part: items that are named in neither list were stored. */
export interface SendResult {
  readonly rejected: readonly Rejection[];
  readonly again: readonly Again[];
  /** Items of which the receiver said that it had them already (Elasticsearch's 409). They count as delivered. */
  readonly duplicates: number;
}

/** Which items of a part the receiver has; `again` where it could not be asked now. */
export interface LookedUp {
  readonly known: readonly number[];
  readonly again?: Again;
}

/** What `check --connect` says of an output, one sentence each. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  readonly text: string;
  readonly hint?: string;
}

/**
 * One kind of receiver. An output encodes events one by one into a batch, and sends parts of batches. It keeps no
 * state between sendings but its connections, decides nothing about waiting or giving up, and throws only on faults of
 * the program: whatever the receiver or the network does is a `SendResult`.
 */
export interface Output {
  readonly name: string;
  readonly type: string;
  /** Where it delivers to, stable over restarts and without secrets: what the checkpoint is tied to. */
  readonly destination: string;
  /** Whether sending the same item twice leaves one copy with the receiver. */
  readonly idempotent: boolean;
  /** Largest request it will send, in encoded bytes; a batch closes before it would grow larger. */
  readonly maxBatchBytes: number;
  /**
   * Whether somebody waits for what was encoded last: the batch then closes as soon as there is nothing more to read,
   * and does not wait for `maxDelay`. Unset is no.
   */
  readonly hurries?: boolean;
  /**
   * Writes one event as an item. Returns `null`; or why this event can never be sent this way (what was written of it
   * is then undone, and the event dead-lettered); or what was cut off to make it fit (the item is sent, and the whole
   * event kept in the dead letter as well).
   */
  encode(event: Event, line: RawLine, item: ItemWriter): Refusal | Reduced | null;
  /** The event of an item as it went through the filter: what a dead letter keeps. `eventSpan` unless the output adds to it. */
  eventBytes(batch: Batch, item: number): Buffer;
  send(part: Part, signal: AbortSignal): Promise<SendResult>;
  /** Where an item can come to stand twice in spite of its id: which of those that a former run may have sent are there. */
  lookUp?(part: Part, signal: AbortSignal): Promise<LookedUp>;
  /** Tries connection, credentials and rights, and writes nothing. `source`: one of those it would take events of. */
  probe(signal: AbortSignal, source?: string): Promise<readonly Finding[]>;
  close(): Promise<void>;
}

export interface Refusal {
  readonly reason: string;
  readonly words: string;
}

/** An item that went down the size ladder: it stands in the batch without these parts of the event. */
export interface Reduced {
  /** Names of fields, sorted, with commas. */
  readonly reduced: string;
}
