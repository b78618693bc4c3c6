import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Batch, ItemWriter } from '../../pipeline/batch.ts';
import { repairUtf8, restoreUtf8 } from '../invalid-utf8.ts';
import type { Metadata } from '../metadata.ts';
import type { RawLine, Refusal } from '../output.ts';
import { actionWriter } from './action.ts';
import { addedText, addedTo } from './added.ts';
import { writeContentId } from './content-id.ts';
import { type Target, timeSlot } from './target.ts';

export type Encode = (event: Event, line: RawLine, item: ItemWriter) => Refusal | null;

const TIMESTAMP = '"@timestamp":';

export const NO_TIME: Refusal = { reason: 'no-timestamp', words: 'the filter left no timestamp to the event' };

/**
 * Writes an event as two lines of `_bulk`: a `create` action with the index and the content's id, and the document. The document is the
 * event with `"auditail":{"cluster":…,"node":…}` and `"@timestamp"` right behind its opening brace; an event that has a `@timestamp` keeps
 * its own. Bytes that are no UTF-8 would have the event refused: they are replaced, and told under `auditail.invalidUtf8`. What the batch
 * remembers as the event is therefore what stands *behind* the brace: see `bulkEventBytes`.
 */
export function bulkEncoder(target: Target, metadata: Metadata): Encode {
  const actionOf = actionWriter(target);
  const behindId = `"}}\n{${addedText(metadata, null)}`;
  const [plain, plainTimed] = [Buffer.from(behindId), Buffer.from(`${behindId}${TIMESTAMP}`)];

  return function encode(event, line, item) {
    const slot = timeSlot(event);
    if (slot === -1) return NO_TIME;
    const repaired = event.isAscii ? null : repairUtf8(event.bytes, event.start, event.end);
    const hasTimestamp = event.valueStart(SLOT['@timestamp']) !== -1;
    item.copy(actionOf(event, slot));
    writeContentId(line, item);
    if (repaired === null) item.copy(hasTimestamp ? plain : plainTimed);
    else item.latin1(`"}}\n{${addedText(metadata, repaired)}${hasTimestamp ? '' : TIMESTAMP}`);
    if (!hasTimestamp) {
      item.copy(event.bytes, event.valueStart(slot), event.valueEnd(slot));
      item.byte(0x2c);
    }
    if (repaired === null) item.event(event.bytes, event.start + 1, event.end);
    else item.event(repaired.bytes, 1, repaired.bytes.length);
    item.byte(0x0a);
    return null;
  };
}

/** The event as it was: with its opening brace, and the bytes that had been replaced. */
export function bulkEventBytes(batch: Batch, item: number): Buffer {
  const [start, end] = [batch.eventStart(item), batch.eventEnd(item)];
  const event = Buffer.allocUnsafe(end - start + 1);
  event[0] = 0x7b;
  batch.bytes.copy(event, 1, start, end);
  const { invalidUtf8 } = addedTo(batch, item);
  return invalidUtf8 === undefined ? event : restoreUtf8(event, invalidUtf8.at);
}
