import type { Part } from '../pipeline/batch.ts';

/** The encoded items of a part, one behind the other: a view of the batch where they stand together, a copy otherwise. */
export function partBody({ batch, items }: Part): Buffer {
  const first = items[0];
  const last = items.at(-1);
  if (first === undefined || last === undefined) return Buffer.alloc(0);
  if (last - first + 1 === items.length) return batch.bytes.subarray(batch.itemStart(first), batch.itemEnd(last));
  return Buffer.concat(items.map((item) => batch.bytes.subarray(batch.itemStart(item), batch.itemEnd(item))));
}
