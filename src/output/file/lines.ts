import type { Event } from '../../event/event.ts';
import type { Batch, ItemWriter } from '../../pipeline/batch.ts';
import { eventSpan } from '../event-span.ts';
import type { Metadata } from '../metadata.ts';
import type { Output, RawLine } from '../output.ts';

/**
 * NDJSON: an event is a line, byte for byte as it came through the filter. Where the configuration has metadata, each event has
 * `"auditail":{"cluster":…,"node":…}` right behind its opening brace, as Elasticsearch gets it.
 */
export function lineEncoder(metadata: Metadata): Pick<Output, 'encode' | 'eventBytes'> {
  if (Object.keys(metadata).length === 0) {
    return {
      encode(event: Event, _line: RawLine, item: ItemWriter) {
        item.event(event.bytes, event.start, event.end);
        item.byte(0x0a);
        return null;
      },
      eventBytes: eventSpan,
    };
  }
  const head = `{"auditail":${JSON.stringify(metadata)},`;
  return {
    encode(event: Event, _line: RawLine, item: ItemWriter) {
      item.utf8(head);
      item.event(event.bytes, event.start + 1, event.end);
      item.byte(0x0a);
      return null;
    },
    /** What the batch remembers stands behind the brace. */
    eventBytes: (batch: Batch, item: number) => Buffer.concat([Buffer.from('{'), eventSpan(batch, item)]),
  };
}
