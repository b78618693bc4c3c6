// Compresses a body block by block in the deflate format (RFC 1951), for gzip. AssemblyScript; `npm run generate`
// compiles it.
//
// Made for what audit logs are, lines that repeat long stretches of the lines before: a match of eight bytes is looked
// for first, one of five only where there is none. Places are kept as positions that only ever grow, also from one body
// to the next, so that the tables need not be cleared: what is out of date is out of the window.
//
// Memory: tables of positions by hash, the 32 KiB before the block, the block, what was found in it, tables of the
// codes, and what comes of it.

const WINDOW_BYTES: usize = 32768;
const BLOCK_BYTES: usize = 262144;
const TABLE_BITS: u32 = 15;
const TABLE_BYTES: usize = 4 << TABLE_BITS;

const LONG: usize = 0;
const SHORT: usize = LONG + TABLE_BYTES;
const WINDOW: usize = SHORT + TABLE_BYTES;
export const BLOCK: usize = WINDOW + WINDOW_BYTES;
/** Matches, each with the literals before it: how many (u32), its length (u16), its distance (u16; 0 means 32768). */
const FOUND: usize = BLOCK + BLOCK_BYTES + 64;
/** A match takes five bytes at least; a long one is cut into pieces of more than that. */
const FOUND_BYTES: usize = (BLOCK_BYTES / 5 + 2) * 8;

/** Of each alphabet: how often a symbol occurs (u32), the length of its code (u8), the code, first bit lowest (u16). */
const SYMBOLS: usize = 288;
const CODES: usize = FOUND + FOUND_BYTES;
const ALPHABET_BYTES: usize = SYMBOLS * (4 + 1 + 3 + 4);
const LITERALS: usize = CODES;
const DISTANCES: usize = LITERALS + ALPHABET_BYTES;
const LENGTHS: usize = DISTANCES + ALPHABET_BYTES;
const LENGTH_AT: usize = SYMBOLS * 4;
const CODE_AT: usize = SYMBOLS * 8;
/** By the length of a match: its code with the extra bits (u32), and how many bits they are (u32). */
const MATCH_CODES: usize = LENGTHS + ALPHABET_BYTES;
/** Symbols by frequency while codes are made; after that the lengths of all codes, repeats folded (u16: symbol, extra). */
const SORTED: usize = MATCH_CODES + 259 * 8;
const FOLDED: usize = SORTED + SYMBOLS * 4;
const COUNTS: usize = FOLDED + (286 + 30) * 4;
export const OUT: usize = (COUNTS + 64 * 4 + 15) & ~15;
/** What does not compress is stored as it is, with five bytes before each 65,535. */
export const END: usize = OUT + BLOCK_BYTES + 4096;

const END_OF_BLOCK: usize = 256;
const MAX_MATCH: usize = 258;
const MIN_MATCH: usize = 5;
const MAX_STORED: usize = 65535;
/** So near the end nothing is looked for: reading ahead needs no bounds then. */
const MARGIN: usize = 16;

/** The position of the block's first byte. */
let base: u32 = 2 * <u32>WINDOW_BYTES;
/** The first byte of this body that is still there. */
let oldest: usize = BLOCK;
let found: usize = FOUND;
/** Bits that are not a whole byte yet, lowest first, and how many. */
let bits: u64 = 0;
let bitCount: u64 = 0;
let out: usize = OUT;

/**
 * Compresses the `length` bytes at `BLOCK` to `OUT`; gives how many bytes came of them. All blocks of a body but the
 * last are full.
 */
export function compress(length: usize, isLast: bool): usize {
  out = OUT;
  memory.fill(LITERALS, 0, SYMBOLS * 4);
  memory.fill(DISTANCES, 0, SYMBOLS * 4);
  search(length);
  writeBlock(length, isLast);
  if (isLast) {
    flush();
    if (bitCount > 0) store<u8>(out++, <u8>bits);
    bits = 0;
    bitCount = 0;
    oldest = BLOCK;
    base += <u32>(length + WINDOW_BYTES);
    if (base > 0x7fffffff) {
      base = 2 * <u32>WINDOW_BYTES;
      memory.fill(LONG, 0, 2 * TABLE_BYTES);
    }
  } else {
    memory.copy(WINDOW, BLOCK + length - WINDOW_BYTES, WINDOW_BYTES);
    oldest = WINDOW;
    base += <u32>length;
  }
  return out - OUT;
}

/** Finds what repeats, and counts the symbols. */
function search(length: usize): void {
  found = FOUND;
  const end = BLOCK + length;
  let done = BLOCK;
  if (length > MARGIN) {
    const limit = end - MARGIN;
    let at = BLOCK;
    while (at < limit) {
      const word = load<u64>(at);
      const short = rememberShort(at, word);
      let distance = rememberLong(at, word);
      let size: usize = 0;
      if (distance <= WINDOW_BYTES && load<u64>(at - distance) == word) {
        size = 8 + equalBytes(at + 8 - distance, at + 8, end);
      } else if (short <= WINDOW_BYTES && load<u32>(at - short) == <u32>word) {
        distance = short;
        size = 4 + equalBytes(at + 4 - short, at + 4, end);
        if (size >= MIN_MATCH) {
          // A long one that begins with the next byte is worth a literal.
          const next = load<u64>(at + 1);
          const later = rememberLong(at + 1, next);
          if (later <= WINDOW_BYTES && load<u64>(at + 1 - later) == next) {
            const laterSize: usize = 8 + equalBytes(at + 9 - later, at + 9, end);
            if (laterSize > size) {
              at += 1;
              distance = later;
              size = laterSize;
            }
          }
        }
      }
      if (size < MIN_MATCH) {
        // What does not repeat for long is looked through in longer and longer steps.
        at += 1 + ((at - done) >> 7);
        continue;
      }
      while (at > done && at - distance > oldest && load<u8>(at - 1) == load<u8>(at - 1 - distance)) {
        at -= 1;
        size += 1;
      }
      note(done, at, size, distance);
      const next = at + size;
      if (next < limit) {
        rememberBoth(next - 2);
      }
      at = next;
      done = next;
    }
  }
  countLiterals(done, end);
  count(LITERALS, END_OF_BLOCK);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function remember(entry: usize, at: usize): usize {
  const position = base + <u32>(at - BLOCK);
  const before = load<u32>(entry);
  store<u32>(entry, position);
  return <usize>(position - before);
}

/** Notes a place under the hash of its eight bytes; gives how far back the one is that stood there before. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function rememberLong(at: usize, word: u64): usize {
  return remember(LONG + (<usize>((word * 0x9e3779b185ebca87) >> (64 - TABLE_BITS)) << 2), at);
}

/** The same under the hash of its first five bytes. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function rememberShort(at: usize, word: u64): usize {
  return remember(SHORT + (<usize>(((word << 24) * 0x9e3779b185ebca87) >> (64 - TABLE_BITS)) << 2), at);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function rememberBoth(at: usize): void {
  const word = load<u64>(at);
  rememberLong(at, word);
  rememberShort(at, word);
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

/** A match and the literals before it; one that is longer than the format knows in pieces, none of them too short. */
function note(done: usize, at: usize, size: usize, distance: usize): void {
  countLiterals(done, at);
  let literals = at - done;
  while (size > 0) {
    const piece = size <= MAX_MATCH ? size : size >= MAX_MATCH + MIN_MATCH ? MAX_MATCH : size - MIN_MATCH;
    store<u32>(found, <u32>literals);
    store<u16>(found, <u16>piece, 4);
    store<u16>(found, <u16>distance, 6);
    found += 8;
    count(LITERALS, lengthSymbol(piece));
    count(DISTANCES, distanceSymbol(distance - 1));
    literals = 0;
    size -= piece;
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function countLiterals(from: usize, to: usize): void {
  for (let at = from; at < to; at += 1) count(LITERALS, <usize>load<u8>(at));
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function count(alphabet: usize, symbol: usize): void {
  const entry = alphabet + (symbol << 2);
  store<u32>(entry, load<u32>(entry) + 1);
}

/** RFC 1951, 3.2.5: 257 for a length of 3, 284 up to 257, 285 for 258. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function lengthSymbol(length: usize): usize {
  if (length == MAX_MATCH) return 285;
  const above = length - 3;
  if (above < 8) return 257 + above;
  const extra = lengthExtra(length);
  return 257 + 4 * extra + (above >> extra);
}

/** How many bits follow a length's symbol. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function lengthExtra(length: usize): usize {
  if (length == MAX_MATCH || length < 11) return 0;
  return <usize>(31 - clz<u32>(<u32>(length - 3))) - 2;
}

/** RFC 1951, 3.2.5, of a distance less one. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function distanceSymbol(less: usize): usize {
  if (less < 4) return less;
  const extra = distanceExtra(less);
  return 2 * extra + (less >> extra);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function distanceExtra(less: usize): usize {
  return less < 4 ? 0 : <usize>(31 - clz<u32>(<u32>less)) - 1;
}

function writeBlock(length: usize, isLast: bool): void {
  makeCodes(LITERALS, 286, 15);
  makeCodes(DISTANCES, 30, 15);
  const literals = usedLengths(LITERALS, 286, 257);
  const distances = usedLengths(DISTANCES, 30, 1);
  const folded = foldLengths(literals, distances);
  makeCodes(LENGTHS, 19, 7);
  if (codedBits(folded) >= storedBits(length)) {
    writeStored(length, isLast);
    return;
  }
  put(isLast ? 1 : 0, 1);
  put(2, 2);
  writeLengths(literals, distances, folded);
  writeSymbols(BLOCK + length);
}

/** The bits of the block with its codes; what the header takes beside them is rounded up. */
function codedBits(folded: usize): u64 {
  let sum: u64 = 3 + 14 + 19 * 3;
  for (let at = FOLDED; at < folded; at += 4) sum += <u64>load<u8>(LENGTHS + LENGTH_AT + <usize>load<u16>(at)) + 7;
  for (let symbol: usize = 0; symbol < 286; symbol += 1) {
    const extra: u64 = symbol < 265 || symbol == 285 ? 0 : <u64>((symbol - 261) >> 2);
    sum += <u64>load<u32>(LITERALS + (symbol << 2)) * (<u64>load<u8>(LITERALS + LENGTH_AT + symbol) + extra);
  }
  for (let symbol: usize = 0; symbol < 30; symbol += 1) {
    const extra: u64 = symbol < 4 ? 0 : <u64>((symbol - 2) >> 1);
    sum += <u64>load<u32>(DISTANCES + (symbol << 2)) * (<u64>load<u8>(DISTANCES + LENGTH_AT + symbol) + extra);
  }
  return sum;
}

function storedBits(length: usize): u64 {
  return 8 * <u64>(length + 5 * (length / MAX_STORED + 1));
}

function writeStored(length: usize, isLast: bool): void {
  let at = BLOCK;
  const end = BLOCK + length;
  do {
    const size = end - at < MAX_STORED ? end - at : MAX_STORED;
    put(isLast && at + size == end ? 1 : 0, 3);
    flush();
    if (bitCount > 0) store<u8>(out++, <u8>bits);
    bits = 0;
    bitCount = 0;
    store<u16>(out, <u16>size);
    store<u16>(out, <u16>~size, 2);
    memory.copy(out + 4, at, size);
    out += 4 + size;
    at += size;
  } while (at < end);
}

/**
 * Gives each symbol that occurs a code of at most `maxBits`, as short as its frequency deserves (Moffat and Katajainen, In-place
 * calculation of minimum-redundancy codes, 1995). Two symbols at least get one: not every reader takes a lone code.
 */
function makeCodes(alphabet: usize, symbols: usize, maxBits: u32): void {
  memory.fill(alphabet + LENGTH_AT, 0, symbols);
  const n = sortByFrequency(alphabet, symbols);
  codeLengths(n);
  // How many codes of each length there are, none longer than may be.
  memory.fill(COUNTS, 0, 64 * 4);
  for (let i: usize = 0; i < n; i += 1) {
    const length = load<u32>(SORTED + (i << 2)) >> 9;
    count(COUNTS, length < maxBits ? length : maxBits);
  }
  let room: i64 = 1 << maxBits;
  for (let length: u32 = 1; length <= maxBits; length += 1) room -= <i64>load<u32>(COUNTS + (length << 2)) << (maxBits - length);
  while (room < 0) {
    // Two of the longest stand below one that was shorter: that frees the place of one of the longest.
    let length = maxBits - 1;
    while (load<u32>(COUNTS + (length << 2)) == 0) length -= 1;
    add(length, -1);
    add(length + 1, 2);
    add(maxBits, -1);
    room += 1;
  }
  // The most frequent, which stand last, get the shortest.
  let i: usize = n;
  for (let length: u32 = 1; length <= maxBits; length += 1) {
    for (let left = load<u32>(COUNTS + (length << 2)); left > 0; left -= 1) {
      i -= 1;
      store<u8>(alphabet + LENGTH_AT + <usize>(load<u32>(SORTED + (i << 2)) & 511), <u8>length);
    }
  }
  canonicalCodes(alphabet, symbols, maxBits);
}

function add(length: u32, n: i32): void {
  const entry = COUNTS + (length << 2);
  store<i32>(entry, load<i32>(entry) + n);
}

/** Writes the symbols that occur to `SORTED`, rarest first: frequency × 512 + symbol. Gives how many. */
function sortByFrequency(alphabet: usize, symbols: usize): usize {
  let n: usize = 0;
  for (let symbol: usize = 0; symbol < symbols; symbol += 1) if (load<u32>(alphabet + (symbol << 2)) != 0) n += 1;
  for (let symbol: usize = 0; n < 2; symbol += 1) {
    if (load<u32>(alphabet + (symbol << 2)) != 0) continue;
    store<u32>(alphabet + (symbol << 2), 1);
    n += 1;
  }
  n = 0;
  for (let symbol: usize = 0; symbol < symbols; symbol += 1) {
    const frequency = load<u32>(alphabet + (symbol << 2));
    if (frequency == 0) continue;
    const entry = (frequency << 9) | <u32>symbol;
    let at = SORTED + (n << 2);
    for (; at > SORTED && load<u32>(at - 4) > entry; at -= 4) store<u32>(at, load<u32>(at - 4));
    store<u32>(at, entry);
    n += 1;
  }
  return n;
}

/** Turns the frequencies of the `n` entries at `SORTED` into lengths of codes; the symbols in them stay. */
function codeLengths(n: usize): void {
  // Pairs of the two rarest, leaves or pairs, become pairs: each entry that a pair has used up points to it.
  let leaf: usize = 2;
  let pair: usize = 0;
  let next: usize = 1;
  setValue(0, value(0) + value(1));
  for (; next < n - 1; next += 1) {
    let sum: u32;
    if (leaf >= n || value(pair) < value(leaf)) {
      sum = value(pair);
      setValue(pair++, <u32>next);
    } else sum = value(leaf++);
    if (leaf >= n || (pair < next && value(pair) < value(leaf))) {
      sum += value(pair);
      setValue(pair++, <u32>next);
    } else sum += value(leaf++);
    setValue(next, sum);
  }
  // The depth of each pair, from the root down.
  setValue(n - 2, 0);
  for (let i = <isize>n - 3; i >= 0; i -= 1) setValue(i, value(value(i)) + 1);
  // And from how many pairs each depth has, how many leaves.
  let available: usize = 1;
  let depth: u32 = 0;
  let i = <isize>n - 2;
  let rest = <isize>n - 1;
  while (available > 0) {
    let used: usize = 0;
    while (i >= 0 && value(i) == depth) {
      used += 1;
      i -= 1;
    }
    for (; available > used; available -= 1) setValue(rest--, depth);
    available = 2 * used;
    depth += 1;
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function value(i: usize): u32 {
  return load<u32>(SORTED + (i << 2)) >> 9;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function setValue(i: usize, to: u32): void {
  const entry = SORTED + (i << 2);
  store<u32>(entry, (to << 9) | (load<u32>(entry) & 511));
}

/** RFC 1951, 3.2.2; the bits turned round, since codes go out first bit first. */
function canonicalCodes(alphabet: usize, symbols: usize, maxBits: u32): void {
  let code: u32 = 0;
  for (let length: u32 = 1; length <= maxBits; length += 1) {
    for (let symbol: usize = 0; symbol < symbols; symbol += 1) {
      if (<u32>load<u8>(alphabet + LENGTH_AT + symbol) != length) continue;
      let turned: u32 = 0;
      for (let bit: u32 = 0; bit < length; bit += 1) turned |= ((code >> bit) & 1) << (length - 1 - bit);
      store<u32>(alphabet + CODE_AT + (symbol << 2), (turned << 8) | length);
      code += 1;
    }
    code <<= 1;
  }
}

function usedLengths(alphabet: usize, symbols: usize, least: usize): usize {
  let n = symbols;
  while (n > least && load<u8>(alphabet + LENGTH_AT + n - 1) == 0) n -= 1;
  return n;
}

/** RFC 1951, 3.2.7: the lengths of both alphabets' codes in one row, repeats folded. Gives where they end in `FOLDED`. */
function foldLengths(literals: usize, distances: usize): usize {
  memory.fill(LENGTHS, 0, SYMBOLS * 4);
  const all = literals + distances;
  let to = FOLDED;
  let i: usize = 0;
  while (i < all) {
    const length = lengthAt(i, literals);
    let run: usize = 1;
    while (i + run < all && lengthAt(i + run, literals) == length) run += 1;
    i += run;
    if (length == 0) {
      while (run >= 11) {
        const piece = run < 138 ? run : 138;
        to = fold(to, 18, piece - 11);
        run -= piece;
      }
      if (run >= 3) {
        to = fold(to, 17, run - 3);
        run = 0;
      }
    } else {
      to = fold(to, length, 0);
      run -= 1;
      while (run >= 3) {
        const piece = run < 6 ? run : 6;
        to = fold(to, 16, piece - 3);
        run -= piece;
      }
    }
    for (; run > 0; run -= 1) to = fold(to, length, 0);
  }
  return to;
}

function lengthAt(i: usize, literals: usize): usize {
  return <usize>load<u8>(i < literals ? LITERALS + LENGTH_AT + i : DISTANCES + LENGTH_AT + i - literals);
}

function fold(to: usize, symbol: usize, extra: usize): usize {
  store<u16>(to, <u16>symbol);
  store<u16>(to, <u16>extra, 2);
  count(LENGTHS, symbol);
  return to + 4;
}

/** In which order the lengths of the lengths' codes go out: RFC 1951, 3.2.7, five bits each, the first lowest. */
function orderOfLengths(i: usize): usize {
  if (i < 3) return 16 + i;
  if (i == 3) return 0;
  // 8, then by turns below and above it: 7 9 6 10 5 11 4 12 3 13 2 14 1 15.
  const step = (i - 3) >> 1;
  return i & 1 ? 8 - step : 8 + step;
}

function writeLengths(literals: usize, distances: usize, folded: usize): void {
  let n: usize = 19;
  while (n > 4 && load<u8>(LENGTHS + LENGTH_AT + orderOfLengths(n - 1)) == 0) n -= 1;
  put(literals - 257, 5);
  put(distances - 1, 5);
  put(n - 4, 4);
  for (let i: usize = 0; i < n; i += 1) {
    put(<u64>load<u8>(LENGTHS + LENGTH_AT + orderOfLengths(i)), 3);
    flush();
  }
  for (let at = FOLDED; at < folded; at += 4) {
    const symbol = <usize>load<u16>(at);
    putCode(LENGTHS, symbol);
    if (symbol >= 16) put(<u64>load<u16>(at, 2), symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
    flush();
  }
}

function writeSymbols(end: usize): void {
  for (let length: usize = MIN_MATCH; length <= MAX_MATCH; length += 1) {
    const symbol = lengthSymbol(length);
    const size = <u32>load<u8>(LITERALS + LENGTH_AT + symbol);
    const extra = <u32>lengthExtra(length);
    const code = load<u32>(LITERALS + CODE_AT + (symbol << 2)) >> 8;
    const low = (<u32>length - 3) & ((1 << extra) - 1);
    store<u32>(MATCH_CODES + (length << 3), code | (low << size));
    store<u32>(MATCH_CODES + (length << 3), size + extra, 4);
  }
  let at = BLOCK;
  for (let match = FOUND; match < found; match += 8) {
    at = writeLiterals(at, at + <usize>load<u32>(match));
    const length = <usize>load<u16>(match, 4);
    put(<u64>load<u32>(MATCH_CODES + (length << 3)), <u64>load<u32>(MATCH_CODES + (length << 3), 4));
    const less = <usize>(<u16>(load<u16>(match, 6) - 1));
    const symbol = distanceSymbol(less);
    const extra = distanceExtra(less);
    putCode(DISTANCES, symbol);
    put(<u64>(less & ((1 << extra) - 1)), <u64>extra);
    flush();
    at += length;
  }
  writeLiterals(at, end);
  putCode(LITERALS, END_OF_BLOCK);
  flush();
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function writeLiterals(at: usize, end: usize): usize {
  // Three codes of at most 15 bits fit beside the seven bits that a flush may leave.
  for (; at + 3 <= end; at += 3) {
    putCode(LITERALS, <usize>load<u8>(at));
    putCode(LITERALS, <usize>load<u8>(at, 1));
    putCode(LITERALS, <usize>load<u8>(at, 2));
    flush();
  }
  for (; at < end; at += 1) putCode(LITERALS, <usize>load<u8>(at));
  flush();
  return at;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function putCode(alphabet: usize, symbol: usize): void {
  const code = <u64>load<u32>(alphabet + CODE_AT + (symbol << 2));
  put(code >> 8, code & 255);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function put(value: u64, size: u64): void {
  bits |= value << bitCount;
  bitCount += size;
}

/** Writes out the whole bytes of what was put; at most seven bits stay. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function flush(): void {
  store<u64>(out, bits);
  const whole = bitCount >> 3;
  out += <usize>whole;
  bits >>= whole << 3;
  bitCount &= 7;
}
