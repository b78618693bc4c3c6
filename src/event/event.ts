import type { Instant } from './time.ts';

/**
 * One audit event, seen through a lazy view over the bytes of its line: the scan finds where the fields stand, and a
 * field is decoded when it is asked for. A view is reused; what it says holds until its next `read`.
 */
export interface Event {
  /** The buffer that holds the event; `start` and `end` bound the JSON object itself, without white space around it. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Whether it is known that every byte of it is below 0x80. */
  readonly isAscii: boolean;
  /** Whether the field is there and not null. `slot` comes from `SLOT`. */
  has(slot: number): boolean;
  /** The decoded text of a string field; the empty string where it is unset or no string. */
  text(slot: number): string;
  /** A number field, 0 where it is unset or no number. */
  number(slot: number): number;
  /** The strings of an array field (`user.groups`, `sourceIPs`); empty where unset. */
  list(slot: number): readonly string[];
  /** Where the JSON value of a field starts in `bytes`, of a null too; -1 where there is none. */
  valueStart(slot: number): number;
  /** Where it ends (exclusive); -1 where it is unset. */
  valueEnd(slot: number): number;
  /** The value of an annotation, the empty string where it is not there. */
  annotation(key: string): string;
  /** Which words stand anywhere in the event, by bits of `MARK`. */
  marks(): number;
  /**
   * The members `managedFields` of objects that a body holds: of itself, of the items of a list, of the rows of a table.
   * Three numbers each: where its key starts, where its value ends, and 2 where it is of a row, else 1. Not of bodies
   * only: of whatever is built so in other fields, too. Null where nobody looked; good until another event is read.
   */
  managedFields(): Int32Array | null;
  /** Nanoseconds since the epoch of `stageTimestamp`, or of `requestReceivedTimestamp` where that is not there. */
  timeNs(): bigint;
  /** The same in whole milliseconds, for which no bigint is made. */
  timeMs(): number;
  /** The same in two numbers: whole seconds, below zero before 1970, and 0 to 999,999,999 nanoseconds on top of them. */
  instant(): Readonly<Instant>;
  /** The same as text, as the API server wrote it (RFC 3339). */
  timeText(): string;
  /** The whole event as JavaScript values; parsed once, and slow. Numbers beyond 2^53 lose digits here. */
  json(): unknown;
}

/** Why a line is not an event. The words stand in the dead letter and the metrics. */
export type Malformed = 'not-json' | 'not-an-object' | 'no-timestamp';
