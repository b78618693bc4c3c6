import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Batch, ItemWriter } from '../../pipeline/batch.ts';
import type { Metadata } from '../metadata.ts';
import type { RawLine, Refusal } from '../output.ts';
import { contentId } from './content-id.ts';
import { dayOf, type Target, timeSlot } from './target.ts';

type Encode = (event: Event, line: RawLine, item: ItemWriter) => Refusal | null;

/**
 * Writes an event as two lines of `_bulk`: a `create` action with the index and the content's id, and the document. The document is the
 * event with `"auditail":{"cluster":…,"node":…}` and `"@timestamp"` right behind its opening brace; an event that has a `@timestamp` keeps
 * its own. What the batch remembers as the event is therefore what stands *behind* the brace: see `bulkEventBytes`.
 */
export function bulkEncoder(target: Target, metadata: Metadata): Encode {
  const added = Object.keys(metadata).length === 0 ? '' : `"auditail":${asciiJson({ ...metadata })},`;
  const document = `"}}\n{${added}`;
  const documentWithTime = `${document}"@timestamp":`;
  let day = 0;
  let action = actionFor(target, day);

  return function encode(event, line, item) {
    const slot = timeSlot(event);
    if (slot === -1) return { reason: 'no-timestamp', words: 'the filter left no timestamp to the event' };
    if (target.daily) {
      const eventDay = dayOf(event, slot);
      if (eventDay !== day) {
        day = eventDay;
        action = actionFor(target, day);
      }
    }
    if (event.valueStart(SLOT['@timestamp']) === -1) {
      item.latin1(action + contentId(line) + documentWithTime);
      item.copy(event.bytes, event.valueStart(slot), event.valueEnd(slot));
      item.byte(0x2c);
    } else {
      item.latin1(action + contentId(line) + document);
    }
    item.event(event.bytes, event.start + 1, event.end);
    item.byte(0x0a);
    return null;
  };
}

/** Puts the opening brace back before what the batch remembers as the event. */
export function bulkEventBytes(batch: Batch, item: number): Buffer {
  const [start, end] = [batch.eventStart(item), batch.eventEnd(item)];
  const event = Buffer.allocUnsafe(end - start + 1);
  event[0] = 0x7b;
  batch.bytes.copy(event, 1, start, end);
  return event;
}

function actionFor(target: Target, day: number): string {
  return `{"create":{"_index":${asciiJson(target.nameOn(day))},"_id":"`;
}

/** JSON in which everything beyond ASCII is escaped, so that it can be written a byte a character. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
