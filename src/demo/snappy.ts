/**
 * Decodes one snappy block (github.com/google/snappy/blob/main/format_description.txt). Of our own, so that what the
 * agent sends is not read by the library that wrote it. Throws a RangeError on anything that is not one whole block.
 */
export function decodeSnappy(block: Buffer): Buffer {
  let length = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = block[at++];
    if (byte === undefined || shift > 28) throw new RangeError('snappy: corrupt length');
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (length > MAX_DECODED_BYTES) throw new RangeError('snappy: block is too large');
  const out = Buffer.allocUnsafe(length);
  let filled = 0;
  while (at < block.length) {
    const tag = block[at++] as number;
    if ((tag & 3) === 0) {
      let size = tag >> 2;
      if (size >= 60) {
        const bytes = size - 59;
        if (at + bytes > block.length) throw new RangeError('snappy: literal without its length');
        size = block.readUIntLE(at, bytes);
        at += bytes;
      }
      size += 1;
      if (at + size > block.length || filled + size > length) throw new RangeError('snappy: literal runs over the end');
      block.copy(out, filled, at, at + size);
      at += size;
      filled += size;
    } else {
      const { size, offset, read } = readCopy(block, at, tag);
      at += read;
      if (offset === 0 || offset > filled || filled + size > length) throw new RangeError('snappy: copy from nowhere');
      // Byte by byte: a copy may overlap what it writes.
      for (let end = filled + size; filled < end; filled += 1) out[filled] = out[filled - offset] as number;
    }
  }
  if (filled !== length) throw new RangeError('snappy: block is cut short');
  return out;
}

const MAX_DECODED_BYTES = 256 * 2 ** 20;

function readCopy(block: Buffer, at: number, tag: number): { size: number; offset: number; read: number } {
  const kind = tag & 3;
  const read = kind === 3 ? 4 : kind;
  if (at + read > block.length) throw new RangeError('snappy: copy without its offset');
  if (kind === 1) return { size: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) | (block[at] as number), read };
  return { size: (tag >> 2) + 1, offset: block.readUIntLE(at, read), read };
}
