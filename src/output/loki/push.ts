import type { Part } from '../../pipeline/batch.ts';
import { varintLength, writeVarint } from '../../varint.ts';
import { entrySeconds } from './entry.ts';

/** Path of the push API, relative to the endpoint. */
export const PUSH_PATH = '/loki/api/v1/push';
/** Snappy is part of this media type, no content encoding. */
export const PUSH_HEADERS = { 'content-type': 'application/x-protobuf' };

/** So far behind the newest of its stream, an entry may be refused. Loki's default is an hour; it can be set lower. */
const LATE_SECONDS = 600;
/** Loki's `creation_grace_period`. */
const FUTURE_SECONDS = 600;

/** Items of one stream that go into one request. */
export interface StreamPart {
  readonly stream: number;
  readonly items: readonly number[];
}

/**
 * Sorts the items of a part into requests, so that Loki cannot hide a refusal behind a success. Its ingester answers a push with what the
 * last of its streams said: a refusal in an earlier one comes back as a 204 (pkg/ingester/instance.go, `appendErr`; seen with 3.7.8). So
 * each stream is pushed by itself. And as the distributor deals the entries of a busy stream (over 1.5 MB/s) out to shards, which are
 * streams to the ingester, an entry that may be refused for coming late is pushed alone.
 *
 * `newest` holds the newest second sent so far, by stream, and is moved on. It begins with nothing after a restart: then what is late is
 * late in whole pushes, and these are refused audibly. `nowSeconds`: what is from the future is refused, and makes nothing else late.
 */
export function requestsOf({ batch, items }: Part, newest: Float64Array, nowSeconds: number): readonly StreamPart[] {
  const together = new Map<number, number[]>();
  const late: StreamPart[] = [];
  for (const item of items) {
    const stream = batch.tag(item);
    const seconds = entrySeconds(batch, item);
    const ahead = newest[stream] ?? 0;
    if (seconds < ahead - LATE_SECONDS) {
      late.push({ stream, items: [item] });
      continue;
    }
    if (seconds > ahead && seconds <= nowSeconds + FUTURE_SECONDS) newest[stream] = seconds;
    const list = together.get(stream);
    if (list === undefined) together.set(stream, [item]);
    else list.push(item);
  }
  return [...[...together].map(([stream, list]) => ({ stream, items: list })), ...late];
}

/** A PushRequest with one stream, as protobuf, in pieces: `{ repeated StreamAdapter streams = 1; }`. They are views of the batch. */
export function pushRequest({ batch, items }: Part, labels: Buffer): readonly Buffer[] {
  let streamLength = 1 + varintLength(labels.length) + labels.length;
  for (const item of items) streamLength += batch.itemEnd(item) - batch.itemStart(item);
  const pieces = [field1(streamLength), field1(labels.length), labels];
  for (let index = 0; index < items.length; ) {
    let next = index + 1;
    while (next < items.length && items[next] === (items[next - 1] as number) + 1) next += 1;
    const [first, last] = [items[index] as number, items[next - 1] as number];
    pieces.push(batch.bytes.subarray(batch.itemStart(first), batch.itemEnd(last)));
    index = next;
  }
  return pieces;
}

/** What stands before a field of number 1 that has a length. */
function field1(length: number): Buffer {
  const head = Buffer.from([0x0a, ...Buffer.alloc(varintLength(length))]);
  writeVarint(head, 1, length);
  return head;
}
