/** A cut in the bytes of an event: `[start, end)` is replaced by `with`. Splices are sorted and do not overlap. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly with: Buffer;
}

/** Where edited events are put, one after the other; it grows with the largest of them. */
export interface Scratch {
  bytes: Buffer;
}

/**
 * Copies the event at `[start, end)` of `bytes` with its splices made. The edited event stands at `[0, length)` of the
 * scratch until the next one is put there; gives the length in bytes. The scratch must not be the buffer of the event.
 *
 * @throws {RangeError} where splices overlap, are not sorted or lie outside of the event: a fault of who made them
 */
export function applySplices(
  bytes: Buffer,
  start: number,
  end: number,
  splices: readonly Splice[],
  scratch: Scratch,
): number {
  let length = end - start;
  let from = start;
  for (const splice of splices) {
    if (splice.start < from || splice.end < splice.start || splice.end > end) {
      throw new RangeError(`splice [${splice.start}, ${splice.end}) is out of order or outside of [${from}, ${end})`);
    }
    length += splice.with.length - (splice.end - splice.start);
    from = splice.end;
  }
  if (scratch.bytes.length < length) scratch.bytes = Buffer.allocUnsafe(Math.max(length, scratch.bytes.length * 2));
  let at = 0;
  from = start;
  for (const splice of splices) {
    at += bytes.copy(scratch.bytes, at, from, splice.start);
    at += splice.with.copy(scratch.bytes, at);
    from = splice.end;
  }
  return at + bytes.copy(scratch.bytes, at, from, end);
}
