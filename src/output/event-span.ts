import type { Batch } from '../pipeline/batch.ts';

/** The event of an item, where an output writes it as it is: its span in the batch. */
export function eventSpan(batch: Batch, item: number): Buffer {
  return batch.bytes.subarray(batch.eventStart(item), batch.eventEnd(item));
}
