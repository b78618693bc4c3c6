const BASE = 128;

/**
 * Writes a whole number up to 2^53 as Protocol Buffers and snappy do: seven bits a byte, the lowest first, the eighth bit
 * set in all but the last (protobuf.dev/programming-guides/encoding). Gives where it ends, eight bytes on at most.
 */
export function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= BASE; rest = Math.floor(rest / BASE)) bytes[at++] = (rest % BASE) | BASE;
  bytes[at++] = rest;
  return at;
}

/** Bytes that `writeVarint` writes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= BASE; rest = Math.floor(rest / BASE)) length += 1;
  return length;
}
