import type { Part } from '../../pipeline/batch.ts';
import { varintLength } from './entry.ts';

/** Path of the push API, relative to the endpoint. */
export const PUSH_PATH = '/loki/api/v1/push';
/** Snappy is part of this media type, no content encoding. */
export const PUSH_HEADERS = { 'content-type': 'application/x-protobuf' };

/** The items of a part that belong to one stream. */
export interface StreamPart {
  readonly stream: number;
  readonly items: readonly number[];
}

/**
 * Sorts the items of a part by stream. Each stream is pushed in a request of its own: Loki's ingester answers a push
 * of several streams with what the last of them said, so that a refusal in an earlier one comes back as a 204
 * (pkg/ingester/instance.go, `appendErr`; seen with 3.7.8).
 */
export function byStream(part: Part): readonly StreamPart[] {
  const items = new Map<number, number[]>();
  for (const item of part.items) {
    const stream = part.batch.tag(item);
    const list = items.get(stream);
    if (list === undefined) items.set(stream, [item]);
    else list.push(item);
  }
  return [...items].map(([stream, list]) => ({ stream, items: list }));
}

/** A PushRequest with one stream, as protobuf: `{ repeated StreamAdapter streams = 1; }`. */
export function pushRequest({ batch, items }: Part, labels: Buffer): Buffer {
  let streamLength = 1 + varintLength(labels.length) + labels.length;
  for (const item of items) streamLength += batch.itemEnd(item) - batch.itemStart(item);
  const body = Buffer.allocUnsafeSlow(1 + varintLength(streamLength) + streamLength);
  let at = 0;
  function varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) body[at++] = (rest & 0x7f) | 0x80;
    body[at++] = rest;
  }
  body[at++] = 0x0a;
  varint(streamLength);
  body[at++] = 0x0a;
  varint(labels.length);
  at += labels.copy(body, at);
  for (let index = 0; index < items.length; ) {
    let next = index + 1;
    while (next < items.length && items[next] === (items[next - 1] as number) + 1) next += 1;
    at += batch.bytes.copy(body, at, batch.itemStart(items[index] as number), batch.itemEnd(items[next - 1] as number));
    index = next;
  }
  return body;
}
