import type { LokiOutputConfig } from '../../config/schema.ts';
import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { ItemWriter, Part } from '../../pipeline/batch.ts';
import { destinationOf } from '../destination.ts';
import { eventSpan } from '../event-span.ts';
import type { Metadata } from '../metadata.ts';
import type { Output, RawLine, Reduced, Refusal, SendResult } from '../output.ts';
import type { Transport, TransportReply } from '../transport.ts';
import { EntryWriter, streamOf } from './entry.ts';
import { streamLabels } from './labels.ts';
import { shorten } from './ladder.ts';
import { probe } from './probe.ts';
import { requestsOf, PUSH_HEADERS, PUSH_PATH, pushRequest } from './push.ts';
import { classify, MAX_ANSWER_BYTES } from './reply.ts';
import { compress } from './snappy.ts';

/**
 * Loki's parts hand a push on over gRPC, which takes 4,194,304 bytes. What they add on the way counts too: labels, and
 * about 30 bytes an entry (`detected_level`). An eighth is left for that.
 */
const MAX_BATCH_BYTES = (4 * 2 ** 20 * 7) / 8;

/** What an entry holds beside its line: nine values of 4 KiB at most, with names and lengths; and labels. */
const MAX_BESIDE_LINE = 64 * 1024;

/**
 * Grafana Loki's push API: one stream per audit level, the line as it is, fields to search by as structured metadata. A
 * line longer than the server takes goes down the size ladder.
 */
export function createLokiOutput(
  config: LokiOutputConfig,
  metadata: Metadata,
  transport: Transport,
  now: () => number = Date.now,
): Output {
  const labels = streamLabels(config.labels, metadata);
  const labelBytes = labels.map((text) => Buffer.from(text));
  const maxLineBytes = Math.min(config.maxLineBytes, MAX_BATCH_BYTES - MAX_BESIDE_LINE);
  const entries = new EntryWriter();
  const newest = new Float64Array(labels.length);

  function encode(event: Event, _line: RawLine, item: ItemWriter): Refusal | Reduced | null {
    if (!event.has(SLOT.stageTimestamp) && !event.has(SLOT.requestReceivedTimestamp)) {
      return { reason: 'no-timestamp', words: 'the filter left no timestamp to the event' };
    }
    const { bytes, start, end } = event;
    let line = { bytes, start, end };
    let reduced: Reduced | null = null;
    if (end - start > maxLineBytes) {
      const shorter = shorten(bytes, start, end, maxLineBytes);
      if (shorter === null) {
        const words = `the line has ${end - start} bytes, and more than the ${maxLineBytes} that Loki takes without its bodies too`;
        return { reason: 'line-too-long', words };
      }
      line = { bytes: shorter.bytes, start: 0, end: shorter.bytes.length };
      reduced = { reduced: shorter.reduced };
    }
    if (!entries.write(event, line, item)) {
      return { reason: 'time-out-of-range', words: `the event is of ${event.timeText()}` };
    }
    item.tag(streamOf(event));
    return reduced;
  }

  function push(part: Part, stream: number, signal: AbortSignal): Promise<TransportReply> {
    const body = compress(pushRequest(part, labelBytes[stream] as Buffer));
    return transport.request(
      { method: 'POST', path: PUSH_PATH, headers: PUSH_HEADERS, body, maxAnswerBytes: MAX_ANSWER_BYTES },
      signal,
    );
  }

  async function send(part: Part, signal: AbortSignal): Promise<SendResult> {
    const results: SendResult[] = [];
    let reply: TransportReply | undefined;
    for (const { stream, items } of requestsOf(part, newest, now() / 1000)) {
      const ofStream = { batch: part.batch, items };
      // Where nobody answered for the first stream, the others need not wait for the same.
      if (reply?.status !== 0) reply = await push(ofStream, stream, signal);
      results.push(classify(reply, ofStream));
    }
    const rejected = results.flatMap((result) => result.rejected);
    return { rejected, again: results.flatMap((result) => result.again), duplicates: 0 };
  }

  return {
    name: config.name,
    type: config.type,
    destination: placeOf(config, labels[0] as string),
    idempotent: false,
    maxBatchBytes: MAX_BATCH_BYTES,
    encode,
    eventBytes: eventSpan,
    send,
    probe: (signal) => probe(transport, config, signal),
    close: () => transport.close(),
  };
}

/** Other labels or another tenant are another place. Where the tenant is a reference, what it refers to stands for it. */
function placeOf(config: LokiOutputConfig, labels: string): string {
  const { tenant } = config;
  const place = `${destinationOf(config)} ${labels}`;
  if (tenant === undefined) return place;
  return `${place} tenant ${typeof tenant === 'string' ? tenant : JSON.stringify(tenant)}`;
}
