// Compresses one block of at most 64 KiB in the snappy format, without the length that stands before the first one
// (google/snappy, format_description.txt; the search is that of its CompressFragment). AssemblyScript; `npm run
// generate` compiles it.
//
// Memory: the table of places by hash, then the block with room for reading ahead, then what comes of it.

const TABLE: usize = 0;
const TABLE_BITS: u32 = 14;
const TABLE_BYTES: usize = 2 << TABLE_BITS;
const BLOCK_BYTES: usize = 65536;
export const BLOCK: usize = TABLE_BYTES;
export const OUT: usize = BLOCK + BLOCK_BYTES + 64;
/** What does not compress grows by a sixth at most; the rest is for writing ahead. */
export const END: usize = OUT + BLOCK_BYTES + BLOCK_BYTES / 6 + 128;

/** So near the end nothing is looked for: reading ahead needs no bounds then. */
const MARGIN: usize = 15;

/** Compresses the `length` bytes at `BLOCK` to `OUT`; gives how many bytes came of them. */
export function compress(length: usize): usize {
  const end = BLOCK + length;
  let out = OUT;
  let done = BLOCK;
  if (length > MARGIN) {
    memory.fill(TABLE, 0, TABLE_BYTES);
    const limit = end - MARGIN;
    let at = BLOCK + 1;
    while (true) {
      // What does not repeat for long is looked through in longer and longer steps.
      let skip: usize = 32;
      let match = remember(at);
      while (load<u32>(at) != load<u32>(match)) {
        at += skip >> 5;
        skip += skip >> 5;
        if (at > limit) break;
        match = remember(at);
      }
      if (at > limit) break;
      out = literal(out, done, at - done);
      do {
        const from = match;
        const length = 4 + equalBytes(from + 4, at + 4, end);
        out = copy(out, at - from, length);
        at += length;
        done = at;
        if (at >= limit) break;
        remember(at - 1);
        match = remember(at);
      } while (load<u32>(at) == load<u32>(match));
      if (at >= limit) break;
      at += 1;
    }
  }
  return (done < end ? literal(out, done, end - done) : out) - OUT;
}

/** Notes a place under the hash of its four bytes; gives the one that stood there before, at first the block's start. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function remember(at: usize): usize {
  const entry = TABLE + (<usize>((load<u32>(at) * 0x1e35a7bd) >> (32 - TABLE_BITS)) << 1);
  const before: usize = load<u16>(entry);
  store<u16>(entry, <u16>(at - BLOCK));
  return BLOCK + before;
}

/** How many bytes are the same from both places on; `b` is the later one. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function equalBytes(a: usize, b: usize, end: usize): usize {
  const start = b;
  while (b + 8 <= end) {
    const differing = load<u64>(a) ^ load<u64>(b);
    if (differing != 0) return b - start + <usize>(ctz(differing) >> 3);
    a += 8;
    b += 8;
  }
  while (b < end && load<u8>(a) == load<u8>(b)) {
    a += 1;
    b += 1;
  }
  return b - start;
}

function literal(out: usize, from: usize, length: usize): usize {
  const n = length - 1;
  if (n < 60) {
    store<u8>(out, <u8>(n << 2));
    out += 1;
    // Sixteen bytes at a time, also past the end: what is written too much is written over.
    for (let at: usize = 0; at < length; at += 16) v128.store(out + at, v128.load(from + at));
    return out + length;
  }
  if (n < 256) {
    store<u8>(out, 60 << 2);
    store<u8>(out, <u8>n, 1);
    out += 2;
  } else {
    store<u8>(out, 61 << 2);
    store<u16>(out, <u16>n, 1);
    out += 3;
  }
  memory.copy(out, from, length);
  return out + length;
}

/** A copy takes 64 bytes at most; what is left of a longer one has to be four or more. */
function copy(out: usize, offset: usize, length: usize): usize {
  while (length >= 68) {
    out = copyOf64(out, offset, 64);
    length -= 64;
  }
  if (length > 64) {
    out = copyOf64(out, offset, 60);
    length -= 60;
  }
  if (length >= 12 || offset >= 2048) return copyOf64(out, offset, length);
  store<u8>(out, <u8>(((offset >> 8) << 5) | ((length - 4) << 2) | 1));
  store<u8>(out, <u8>offset, 1);
  return out + 2;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function copyOf64(out: usize, offset: usize, length: usize): usize {
  store<u8>(out, <u8>(((length - 1) << 2) | 2));
  store<u16>(out, <u16>offset, 1);
  return out + 3;
}
