// The scanner of src/event/scan.ts for the shape in which an API server writes, sixteen bytes of a string at a time.
// It answers for what it is sure of; whatever is unusual (a key written with escapes, text that is no JSON, great
// depth) it leaves to the plain one. AssemblyScript; `npm run generate` compiles it.
//
// Memory: the tables of names, which the host writes, then the spans, the stack of the open containers, the notes on
// managed fields, the rows of the lines ahead, their bytes, and last a line by itself. Behind what the host puts there it
// puts a NUL: no JSON goes on over it, nor over the end of a line, so nothing here has to look for the end.
//
// `marks` looks over a line once more, for words that few events hold: what src/event/marks.ts looks for.

/** `TABLES` holds for each level of names 1,024 numbers of names by hash; 0 is none. */
export const TABLES: usize = 0;
const HASHES: usize = 1024;
/** A name: bytes from its start, length, slot, and the level of the names inside of it or 0; four words each. */
export const NAMES: usize = 8 * HASHES;
const NAME_SIZE: usize = 16;
export const TEXTS: usize = NAMES + 256 * NAME_SIZE;
export const SPANS: usize = TEXTS + 4096;
/** Of each container that is open its place, twice, and one more where the one around it is an object. */
const OPEN: usize = SPANS + 1024;
const MAX_DEPTH: usize = 4096;
const OPEN_END: usize = OPEN + MAX_DEPTH * 4;
/** Of each member `managedFields` that was met where the API server leaves it out of a body: see `managedFields`. */
export const MANAGED: usize = OPEN_END;
const MAX_MANAGED: usize = 1024;
const MANAGED_SIZE: usize = 12;
const BYTE: usize = MANAGED + MAX_MANAGED * MANAGED_SIZE;
/** The same of the lines ahead. */
export const MANAGED_AHEAD: usize = BYTE + 16;
/** Of each line ahead: where it starts and ends, what is known of it, the first of its notes, how many, and its spans. */
export const ROWS: usize = MANAGED_AHEAD + MAX_MANAGED * MANAGED_SIZE;
export const ROW_HEAD: usize = 5;
export const MAX_ROWS: usize = 512;
const MAX_ROW_BYTES: usize = 512;
export const AHEAD: usize = ROWS + MAX_ROWS * MAX_ROW_BYTES;
export const AHEAD_BYTES: usize = 256 * 1024;
export const LINE: usize = AHEAD + AHEAD_BYTES + 64;

/** Of a line ahead: that the scan is sure of it, and that every byte of it is below 0x80. */
const SURE: i32 = 1;
const ASCII: i32 = 2;

/** Where the text is not what this scanner is sure of. */
const UNSURE: usize = 0;

const QUOTE: u32 = 0x22;
const BACKSLASH: u32 = 0x5c;
const OPEN_OBJECT: u32 = 0x7b;
const CLOSE_OBJECT: u32 = 0x7d;
const OPEN_ARRAY: u32 = 0x5b;
const CLOSE_ARRAY: u32 = 0x5d;
const COMMA: u32 = 0x2c;
const COLON: u32 = 0x3a;
const NEWLINE: u32 = 0x0a;

/** What is added to a place in the line to make it one in the host's buffer. */
let shift: i32 = 0;
/** Where the spans of what is scanned go, and the notes on it. */
let spans: usize = SPANS;
let notes: usize = MANAGED;
/** How many notes there are; more than `MAX_MANAGED` where not all stand there. */
let managed: usize = 0;

/** Scans the line of `length` bytes at `LINE`; whether it is one JSON object, whose spans then stand at `SPANS`. */
export function scan(length: usize, origin: i32, slots: usize): bool {
  shift = origin - <i32>LINE;
  spans = SPANS;
  notes = MANAGED;
  managed = 0;
  memory.fill(spans, 0xff, slots * 8);
  return load<u8>(LINE) == OPEN_OBJECT && members(LINE + 1, 0) == LINE + length;
}

/** Scans the lines of the `length` bytes at `AHEAD`, as many as there are rows for; gives how many. */
export function scanAhead(length: usize, origin: i32, slots: usize): usize {
  shift = origin - <i32>AHEAD;
  notes = MANAGED_AHEAD;
  managed = 0;
  const end = AHEAD + length;
  const size = (ROW_HEAD + slots * 2) * 4;
  let at = AHEAD;
  let count: usize = 0;
  for (; at < end && count < MAX_ROWS; count++) {
    const row = ROWS + count * size;
    spans = row + ROW_HEAD * 4;
    memory.fill(spans, 0xff, slots * 8);
    const before = managed;
    let last = load<u8>(at) == OPEN_OBJECT ? members(at + 1, 0) : UNSURE;
    const sure = last != UNSURE && (load<u8>(last) == NEWLINE || last == end);
    if (!sure) last = lineEnd(at, end);
    store<i32>(row, <i32>at + shift);
    store<i32>(row, <i32>last + shift, 4);
    store<i32>(row, (sure ? SURE : 0) | (isAscii(at, last) ? ASCII : 0), 8);
    store<i32>(row, <i32>before, 12);
    store<i32>(row, managed > MAX_MANAGED ? -1 : <i32>(managed - before), 16);
    at = last + 1;
  }
  return count;
}

function lineEnd(start: usize, end: usize): usize {
  let at = start;
  while (at < end && load<u8>(at) != NEWLINE) at += 1;
  return at;
}

/** May say no of a line that is, for what stands behind it. */
function isAscii(start: usize, end: usize): bool {
  let at = start;
  let any = v128.load(at);
  for (at += 16; at < end; at += 32) any = v128.or(any, v128.or(v128.load(at), v128.load(at, 16)));
  return i8x16.bitmask(any) == 0;
}

/** `start` is behind the brace; the place behind the closing one. At most two levels deep. */
function members(start: usize, level: usize): usize {
  const quotes = all(0x22);
  const backslashes = all(0x5c);
  const controls = all(0x1f);
  let at = start;
  if (load<u8>(at) == CLOSE_OBJECT) return at + 1;
  while (true) {
    if (load<u8>(at) != QUOTE) return UNSURE;
    const key = at + 1;
    at = plainStringEnd(key, quotes, backslashes, controls);
    if (at == UNSURE || load<u8>(at) != COLON) return UNSURE;
    const name = find(key, at - 1, level);
    at += 1;
    const value = at;
    const first: u32 = load<u8>(at);
    const inner: usize = name == 0 ? 0 : load<u32>(name, 12);
    if (first == QUOTE) at = stringEnd(at + 1, quotes, backslashes, controls);
    else if (inner == 0 || first != OPEN_OBJECT) at = valueEnd(at, OPEN);
    else {
      // A second one replaces the first whole, which is left to the plain scanner.
      if (load<i32>(spanOf(name)) != -1) return UNSURE;
      at = members(at + 1, inner);
    }
    if (at == UNSURE) return UNSURE;
    if (name != 0) {
      const span = spanOf(name);
      if (load<i32>(span) != -1) return UNSURE;
      store<i32>(span, <i32>value + shift);
      store<i32>(span, <i32>at + shift, 4);
    }
    const next: u32 = load<u8>(at);
    at += 1;
    if (next == CLOSE_OBJECT) return at;
    if (next != COMMA) return UNSURE;
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function spanOf(name: usize): usize {
  return spans + (<usize>load<u32>(name, 8) << 3);
}

/** The name at `[start, end)`, 0 where it is none of its level. */
function find(start: usize, end: usize, level: usize): usize {
  const length = end - start;
  if (length == 0) return 0;
  const middle: usize = load<u8>(start + (length >> 1));
  const hash = (length * 67 + <usize>load<u8>(start) * 13 + <usize>load<u8>(end - 1) * 5 + middle * 29) & (HASHES - 1);
  const number: usize = load<u8>(TABLES + level * HASHES + hash);
  if (number == 0) return 0;
  const name = NAMES + number * NAME_SIZE;
  if (<usize>load<u32>(name, 4) != length) return 0;
  const text: usize = load<u32>(name);
  for (let at: usize = 0; at < length; at++) if (load<u8>(start + at) != load<u8>(text + at)) return 0;
  return name;
}

/** The bits of the bytes at `at` that may not stand in a string as they are: quotes, backslashes, control characters. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function specials(at: usize, quotes: v128, backslashes: v128, controls: v128): i32 {
  const bytes = v128.load(at);
  return i8x16.bitmask(
    v128.or(
      v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)),
      i8x16.eq(i8x16.min_u(bytes, controls), bytes),
    ),
  );
}

/** `start` is behind the opening quote; the place behind the closing one, where nothing in between is escaped. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function plainStringEnd(start: usize, quotes: v128, backslashes: v128, controls: v128): usize {
  let at = start;
  let bits = specials(at, quotes, backslashes, controls);
  while (bits == 0) {
    at += 16;
    bits = specials(at, quotes, backslashes, controls);
  }
  at += ctz(bits);
  return load<u8>(at) == QUOTE ? at + 1 : UNSURE;
}

/** `start` is behind the opening quote; the place behind the closing one. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function stringEnd(start: usize, quotes: v128, backslashes: v128, controls: v128): usize {
  let at = start;
  while (true) {
    let bits = specials(at, quotes, backslashes, controls);
    while (bits == 0) {
      at += 16;
      bits = specials(at, quotes, backslashes, controls);
    }
    at += ctz(bits);
    const byte: u32 = load<u8>(at);
    if (byte == QUOTE) return at + 1;
    if (byte != BACKSLASH) return UNSURE;
    at = escapeEnd(at + 1);
    if (at == UNSURE) return UNSURE;
  }
}

function escapeEnd(at: usize): usize {
  switch (load<u8>(at)) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case 0x75:
      for (let digit: usize = 1; digit < 5; digit++) if (!isHex(load<u8>(at + digit))) return UNSURE;
      return at + 5;
    default:
      return UNSURE;
  }
}

function isHex(byte: u32): bool {
  return byte - 0x30 < 10 || (byte | 0x20) - 0x61 < 6;
}

function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

/** The place behind the value at `start`; `bottom` is where the stack is free. Bodies are most of a trail: one loop, almost without calls. */
function valueEnd(start: usize, bottom: usize): usize {
  const quotes = all(0x22);
  const backslashes = all(0x5c);
  const controls = all(0x1f);
  let at = start;
  let depth = bottom;
  let inObject = false;
  while (true) {
    let byte: u32 = load<u8>(at);
    if (byte == QUOTE) {
      at = stringEnd(at + 1, quotes, backslashes, controls);
      if (at == UNSURE) return UNSURE;
    } else if (byte == OPEN_OBJECT) {
      const opened = at;
      at += 1;
      if (load<u8>(at) == CLOSE_OBJECT) at += 1;
      else {
        store<u32>(depth, (<u32>opened << 1) | <u32>inObject);
        depth += 4;
        if (depth == OPEN_END) return UNSURE;
        inObject = true;
        at = keyEnd(at, quotes, backslashes, controls);
        if (at == UNSURE) return UNSURE;
        if (load<u64>(at - 8) != MANAGED_END) continue;
        at = managedEnd(at, depth);
        if (at == UNSURE) return UNSURE;
      }
    } else if (byte == OPEN_ARRAY) {
      const opened = at;
      at += 1;
      if (load<u8>(at) == CLOSE_ARRAY) at += 1;
      else {
        store<u32>(depth, (<u32>opened << 1) | <u32>inObject);
        depth += 4;
        if (depth == OPEN_END) return UNSURE;
        inObject = false;
        continue;
      }
    } else {
      at = scalarEnd(at, byte);
      if (at == UNSURE) return UNSURE;
    }
    // A value has ended.
    while (true) {
      if (depth == bottom) return at;
      byte = load<u8>(at);
      at += 1;
      if (byte == COMMA) {
        if (!inObject) break;
        at = keyEnd(at, quotes, backslashes, controls);
        if (at == UNSURE) return UNSURE;
        if (load<u64>(at - 8) != MANAGED_END) break;
        at = managedEnd(at, depth);
        if (at == UNSURE) return UNSURE;
        continue;
      }
      if (byte != (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return UNSURE;
      depth -= 4;
      inObject = <bool>(load<u32>(depth) & 1);
    }
  }
}

/** `"managedFields":` ends so. */
const MANAGED_END: u64 = 0x3a2273646c656946; // Fields":
const MANAGED_START: u64 = 0x646567616e616d22; // "managed

/** The place behind the value at `at`, whose key ends with `Fields":`. Notes the member where it is one to be left out. */
function managedEnd(at: usize, depth: usize): usize {
  const end = valueEnd(at, depth);
  if (end == UNSURE || load<u64>(at - 16) != MANAGED_START || !startsKey(at - 16)) return end;
  const place = placeOf(depth);
  if (place == 0) return end;
  if (managed < MAX_MANAGED) {
    const note = notes + managed * MANAGED_SIZE;
    store<i32>(note, <i32>at - 16 + shift);
    store<i32>(note, <i32>end + shift, 4);
    store<i32>(note, place, 8);
  }
  managed += 1;
  return end;
}

/**
 * Where the innermost container stands: 1 where it is the metadata of the value that is walked over, or of an item of it
 * where that is a list; 2 where of the object of a row, which tables have; 0 anywhere else.
 */
function placeOf(depth: usize): i32 {
  const inner = depth - OPEN;
  if (!isUnder(depth - 4, 0x617461646174656d, 8)) return 0; // metadata
  if (inner == 8) return 1;
  const list = load<u32>(OPEN, 4) >> 1;
  if (inner == 16 && isArray(list)) return isUnder(OPEN + 4, 0x736d657469, 5) ? 1 : 0; // items
  if (inner != 20 || !isArray(list)) return 0;
  return isUnder(OPEN + 12, 0x7463656a626f, 6) && isUnder(OPEN + 4, 0x73776f72, 4) ? 2 : 0; // object, rows
}

/** Whether the quote at `at`, in a row of keys and values, is not one within a key. */
function startsKey(at: usize): bool {
  const before: u32 = load<u8>(at - 1);
  return before == COMMA || before == OPEN_OBJECT;
}

function isArray(at: usize): bool {
  return load<u8>(at) == OPEN_ARRAY;
}

/** Whether the container that is noted at `entry` is the value of a key of `length` bytes, at most 8, that are `name`. */
function isUnder(entry: usize, name: u64, length: usize): bool {
  const end = (load<u32>(entry) >> 1) - 2;
  const start = end - length - 1;
  if (load<u16>(end) != 0x3a22 || load<u8>(start) != QUOTE || !startsKey(start)) return false;
  const key = load<u64>(start + 1);
  return length == 8 ? key == name : (key & ((1 << (<u64>length << 3)) - 1)) == name;
}

/** How many members of the line by itself stand at `MANAGED`, each as its start, its end and what `placeOf` says; -1 where they are too many. */
export function managedFields(): i32 {
  return managed > MAX_MANAGED ? -1 : <i32>managed;
}

/** The place behind the colon of the key whose quote stands at `at`. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function keyEnd(at: usize, quotes: v128, backslashes: v128, controls: v128): usize {
  if (load<u8>(at) != QUOTE) return UNSURE;
  const end = stringEnd(at + 1, quotes, backslashes, controls);
  return end != UNSURE && load<u8>(end) == COLON ? end + 1 : UNSURE;
}

function scalarEnd(at: usize, byte: u32): usize {
  if (byte == 0x74) return load<u32>(at) == 0x65757274 ? at + 4 : UNSURE; // true
  if (byte == 0x66) return load<u32>(at + 1) == 0x65736c61 ? at + 5 : UNSURE; // false
  if (byte == 0x6e) return load<u32>(at) == 0x6c6c756e ? at + 4 : UNSURE; // null
  return numberEnd(at);
}

function numberEnd(start: usize): usize {
  let at = start;
  if (load<u8>(at) == 0x2d) at += 1;
  if (load<u8>(at) == 0x30) at += 1;
  else {
    at = digitsEnd(at);
    if (at == UNSURE) return UNSURE;
  }
  if (load<u8>(at) == 0x2e) {
    at = digitsEnd(at + 1);
    if (at == UNSURE) return UNSURE;
  }
  if ((load<u8>(at) | 0x20) == 0x65) {
    at += 1;
    const sign = load<u8>(at);
    if (sign == 0x2b || sign == 0x2d) at += 1;
    return digitsEnd(at);
  }
  return at;
}

/** One digit or more. */
function digitsEnd(start: usize): usize {
  let at = start;
  while (isDigit(load<u8>(at))) at += 1;
  return at == start ? UNSURE : at;
}

// As src/event/marks.ts has them.
const WEB_TOKEN: u32 = 1;
const BEARER: u32 = 2;
const USER_INFO: u32 = 4;
const SECRET: u32 = 8;
const GZIP: u32 = 16;
const ESCAPED: u32 = 32;
const ESCAPED_TWICE: u32 = 64;
const MAX_USER_INFO: usize = 512;

/** Which of the words stand in the line of `length` bytes at `start`, which is a JSON object. */
export function marks(start: usize, length: usize): u32 {
  const end = start + length;
  const y = all(0x79);
  const J = all(0x4a);
  const S = all(0x53);
  const B = all(0x42);
  const e = all(0x65);
  const H = all(0x48);
  const four = all(0x34);
  const backslash = all(0x5c);
  const u = all(0x75);
  const at = all(0x40);
  const r = all(0x72);
  const digits = all(0x34);
  const upper = all(0xfc);
  let found: u32 = 0;
  for (let block = start; block < end; block += 16) {
    const one = v128.load(block);
    const next = v128.load(block + 1);
    // Se..., Be..., each with an r: `Secr`, `Bear`. \u..4 to \u..7, as letters are: a trail is full of \u003e.
    const named = v128.and(v128.or(i8x16.eq(one, S), i8x16.eq(one, B)), both(next, e, v128.load(block + 3), r));
    const escaped = v128.and(
      both(one, backslash, next, u),
      i8x16.eq(v128.and(v128.load(block + 4), upper), digits),
    );
    const words = v128.or(
      v128.or(both(one, y, next, J), named),
      v128.or(v128.or(both(one, H, next, four), escaped), i8x16.eq(one, at)),
    );
    if (!v128.any_true(words)) continue;
    for (let bits = i8x16.bitmask(words); bits != 0; bits &= bits - 1) {
      const place = block + ctz(bits);
      if (place < end) found |= markAt(place);
    }
  }
  return found;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function both(one: v128, a: v128, next: v128, b: v128): v128 {
  return v128.and(i8x16.eq(one, a), i8x16.eq(next, b));
}

/** Sixteen times the byte. By way of memory: a constant is made anew in every round of a loop. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function all(byte: u8): v128 {
  store<u8>(BYTE, byte);
  return i8x16.splat(load<i8>(BYTE));
}

function markAt(at: usize): u32 {
  const byte: u32 = load<u8>(at);
  switch (byte) {
    case 0x79: // eyJ
      return load<u8>(at - 1) == 0x65 ? WEB_TOKEN : 0;
    case 0x42: // Bearer
      return load<u32>(at) == 0x72616542 && load<u16>(at + 4) == 0x7265 ? BEARER : 0;
    case 0x53: // Secret
      return load<u32>(at) == 0x72636553 && load<u16>(at + 4) == 0x7465 ? SECRET : 0;
    case 0x48: // H4sI
      return load<u32>(at) == 0x49733448 ? GZIP : 0;
    case BACKSLASH: {
      // \u00, and a digit with which letters begin
      if (load<u16>(at + 2) != 0x3030 || <u32>load<u8>(at + 4) - 0x34 > 3) return 0;
      return load<u8>(at - 1) == BACKSLASH ? ESCAPED | ESCAPED_TWICE : ESCAPED;
    }
    default:
      return isUserInfo(at) ? USER_INFO : 0;
  }
}

/** Whether `://user:password` may stand before the `@` at `at`. */
function isUserInfo(at: usize): bool {
  let hasColon = false;
  for (let before = at - 1; at - before <= MAX_USER_INFO; before--) {
    const byte: u32 = load<u8>(before);
    if (byte == COLON) hasColon = true;
    else if (byte == 0x2f) {
      // The slashes may be written as \/.
      const slash: u32 = load<u8>(before - 1);
      return hasColon && (slash == 0x2f || slash == BACKSLASH);
    } else if (byte <= 0x20 || byte == QUOTE) return false;
  }
  return true;
}
