import type { Batch, ItemWriter } from '../pipeline/batch.ts';
import type { Addressed } from './notification.ts';
import { decodeFound, encodeFound, type FoundRecord, placed, type WrittenFound } from './found-record.ts';
import type { Found } from './match.ts';

const SCRATCH_BYTES = 16 * 1024;
const COMMA = Buffer.from(',');
const END = Buffer.from(']}');

/** What was found, as items of batches: encoded once, for batch and journal. Kept as it is, it would take more memory. */
export class FoundItems {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

  put(found: Found, item: ItemWriter): void {
    const text = encodeFound(found);
    // A character takes up to three bytes.
    const fits = text.length * 3 <= SCRATCH_BYTES;
    const bytes = fits ? this.#scratch : Buffer.from(text);
    item.event(bytes, 0, fits ? bytes.write(text) : bytes.length);
  }

  bytesOf(batch: Batch, item: number): Buffer {
    return batch.bytes.subarray(batch.eventStart(item), batch.eventEnd(item));
  }

  of(batch: Batch, item: number): Found {
    const found = decodeFound(JSON.parse(this.bytesOf(batch, item).toString()) as WrittenFound);
    return placed(found, segmentOf(batch), batch.lineOffset(item));
  }

  /** The JSON of a `FoundRecord`; it does not need the batch any more. */
  recordOf(batch: Batch, items: readonly number[], notes: readonly Addressed[]): Buffer {
    const offsets = items.map((item) => batch.lineOffset(item));
    const head: Omit<FoundRecord, 'found'> = { t: 'found', segment: segmentOf(batch), offsets, notes };
    const pieces: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"found":[`)];
    for (const [at, item] of items.entries()) {
      if (at > 0) pieces.push(COMMA);
      pieces.push(this.bytesOf(batch, item));
    }
    return Buffer.concat([...pieces, END]);
  }
}

function segmentOf({ range }: Batch): string {
  return range.segment.slice(0, 16);
}
