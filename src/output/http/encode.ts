import { hash } from 'node:crypto';
import type { HttpOutputConfig } from '../../config/schema.ts';
import type { Event } from '../../event/event.ts';
import type { ItemWriter, Part } from '../../pipeline/batch.ts';
import type { RawLine, Refusal } from '../output.ts';
import { partBody } from '../part-body.ts';

/** Formats in which an event is written as it is; OTLP has an encoder of its own. */
export type Format = Exclude<HttpOutputConfig['format'], 'otlp'>;

/** How the events of a request are put together. Items end with `separator`, of which an array keeps all but the last. */
export interface Framing {
  readonly contentType: string;
  readonly separator: number;
  readonly before: Buffer;
  readonly after: Buffer;
}

/**
 * `eventList` is what the API server's own webhook backend posts (k8s.io/apiserver/plugin/pkg/audit/webhook), except that the items keep
 * their `kind` and `apiVersion`.
 */
export const FRAMINGS: Readonly<Record<Format, Framing>> = {
  ndjson: framing('application/x-ndjson', '\n', '', ''),
  json: framing('application/json', ',', '[', ']'),
  eventList: framing(
    'application/json',
    ',',
    '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[',
    ']}',
  ),
  event: framing('application/json', '\n', '', ''),
};

export function framing(contentType: string, separator: string, before: string, after: string): Framing {
  return { contentType, separator: separator.charCodeAt(0), before: Buffer.from(before), after: Buffer.from(after) };
}

/** Bytes that a request has beside its events and their separators. */
export function overhead({ before, after }: Framing): number {
  return before.length + after.length;
}

/** Writes an event as it is, and what separates it from the next. Refuses one that would alone be more than `maxBodyBytes`. */
export function eventEncoder(framed: Framing, maxBodyBytes: number | undefined) {
  const maxEventBytes = (maxBodyBytes ?? Number.POSITIVE_INFINITY) - overhead(framed) - 1;
  return function encode(event: Event, _line: RawLine, item: ItemWriter): Refusal | null {
    const length = event.end - event.start;
    if (length > maxEventBytes) {
      return { reason: 'too-large', words: `the event has ${length} bytes; maxBodyBytes is ${maxBodyBytes}` };
    }
    item.event(event.bytes, event.start, event.end);
    item.byte(framed.separator);
    return null;
  };
}

/** The body of a request. Newline-delimited and contiguous, it is a view of the batch; an array is copied into its brackets. */
export function requestBody(framed: Framing, part: Part): Buffer {
  const items = partBody(part);
  if (overhead(framed) === 0) return items;
  return Buffer.concat([framed.before, items.subarray(0, Math.max(items.length - 1, 0)), framed.after]);
}

/**
 * The same for each sending of the same events, and another one for any other part of the batch: the batch's key, or a
 * hash of it and the items. 32 hexadecimal digits.
 */
export function idempotencyKey({ batch, items }: Part): string {
  if (items.length === batch.count) return batch.key;
  return hash('sha256', `${batch.key} ${items.join(' ')}`, 'hex').slice(0, 32);
}
