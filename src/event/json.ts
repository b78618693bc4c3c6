/**
 * Finds where JSON values end, byte by byte, without decoding them. It takes what RFC 8259 takes, as `JSON.parse` does,
 * at any depth that occurs. A position where the text stops being JSON is given back as its complement (`~at`, below
 * zero): the first byte with which no text can begin, or the end where more was due.
 */
export class JsonScanner {
  #bytes: Buffer = Buffer.alloc(0);
  #words: DataView = new DataView(new ArrayBuffer(0));
  #end = 0;
  /** Where the objects and arrays start that are open; grows with the deepest line seen. */
  #open = new Int32Array(256);
  #lastClosed = -1;

  /** What is to be scanned; nothing at or behind `end` is looked at. */
  on(bytes: Buffer, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.#end = end;
  }

  /**
   * Where the object or array may start that had just closed when the last `value` came to the end too early; -1 where
   * that was not the case. It is a guess: the caller looks whether it closes at the end.
   */
  get lastClosed(): number {
    return this.#lastClosed;
  }

  /** The first position at or behind `start` that holds no white space, at most the end. */
  space(start: number): number {
    return spaceEnd(this.#bytes, start, this.#end);
  }

  /** `start` is behind the opening quote; gives the position behind the closing one. */
  string(start: number): number {
    return stringEnd(this.#bytes, this.#words, start, this.#end);
  }

  /** The position behind the value that starts at `start`. One loop without calls: bodies are most of a trail. */
  value(start: number): number {
    const bytes = this.#bytes;
    const words = this.#words;
    const end = this.#end;
    const lastWord = end - 4;
    let open = this.#open;
    let depth = 0;
    let inObject = false;
    let isKey = false;
    let at = start;
    this.#lastClosed = -1;
    for (;;) {
      if (at >= end) return ~end;
      let byte = bytes[at] as number;
      if (byte === QUOTE) {
        at += 1;
        for (;;) {
          for (;;) {
            if (at > lastWord) {
              while (at < end && PLAIN[bytes[at] as number] === 1) at += 1;
              break;
            }
            const special = specialBytes(words.getInt32(at, true));
            if (special !== 0) {
              at += firstByte(special);
              break;
            }
            at += 4;
          }
          if (at >= end) return ~end;
          byte = bytes[at] as number;
          at += 1;
          if (byte === QUOTE) break;
          if (byte !== BACKSLASH) return ~(at - 1);
          at = escapeEnd(bytes, at, end);
          if (at < 0) return at;
        }
        if (isKey) {
          at = gap(bytes, at, end);
          if (at >= end) return ~end;
          if (bytes[at] !== COLON) return ~at;
          at = gap(bytes, at + 1, end);
          isKey = false;
          continue;
        }
      } else if (isKey) {
        return ~at;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        const opened = at;
        at = gap(bytes, opened + 1, end);
        if (at >= end) return ~end;
        if (bytes[at] !== (byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY)) {
          if (depth === open.length) {
            if (depth === MAX_DEPTH) return ~opened;
            open = this.#grow();
          }
          open[depth] = opened;
          depth += 1;
          inObject = byte === OPEN_OBJECT;
          isKey = inObject;
          continue;
        }
        at += 1;
      } else {
        at = scalarEnd(bytes, at, end);
        if (at < 0) return at;
      }
      // A value has ended.
      for (;;) {
        if (depth === 0) return at;
        at = gap(bytes, at, end);
        if (at >= end) {
          this.#lastClosed = open[depth] ?? -1;
          return ~end;
        }
        byte = bytes[at] as number;
        if (byte === COMMA) {
          at = gap(bytes, at + 1, end);
          isKey = inObject;
          break;
        }
        if (byte !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return ~at;
        at += 1;
        depth -= 1;
        inObject = depth > 0 && bytes[open[depth - 1] as number] === OPEN_OBJECT;
      }
    }
  }

  #grow(): Int32Array<ArrayBuffer> {
    const grown = new Int32Array(this.#open.length * 2);
    grown.set(this.#open);
    this.#open = grown;
    return grown;
  }
}

/**
 * Deeper text is taken as wrong, so that 64 MiB of brackets take no more than 4 MiB of memory. Go's decoder, and so the
 * API server, stops at 10,000 levels.
 */
const MAX_DEPTH = 2 ** 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;

/** Whether a byte may stand in a string as it is: not a quote, not a backslash, no control character. */
const PLAIN = table((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH);
const HEX = table((byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)));
/** What may stand behind a backslash, but for the `u`. */
const ESCAPE = table((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));

function table(holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0));
}

/**
 * Looks at four bytes of a string at once: zero if all are plain, else the highest bit of the first one that is not is
 * set, and perhaps bits of bytes behind it. Subtracting borrows out of a byte that is below 0x20, a quote or a backslash
 * (the two made zero by the exclusive or); `~word` takes away what bytes above 0x7f show, which are plain.
 */
function specialBytes(word: number): number {
  const special = (word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101);
  return special & ~word & 0x80808080;
}

/** Which of four bytes, of which each has at most its highest bit, is the first that has it: the lowest, 0 to 3. */
function firstByte(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >>> 3;
}

function stringEnd(bytes: Buffer, words: DataView, start: number, end: number): number {
  const lastWord = end - 4;
  let at = start;
  for (;;) {
    for (; at <= lastWord; at += 4) {
      const special = specialBytes(words.getInt32(at, true));
      if (special !== 0) {
        at += firstByte(special);
        break;
      }
    }
    while (at < end && PLAIN[bytes[at] as number] === 1) at += 1;
    if (at >= end) return ~end;
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] !== BACKSLASH) return ~at;
    at = escapeEnd(bytes, at + 1, end);
    if (at < 0) return at;
  }
}

function escapeEnd(bytes: Buffer, start: number, end: number): number {
  if (start >= end) return ~end;
  if (ESCAPE[bytes[start] as number] === 1) return start + 1;
  if (bytes[start] !== 0x75) return ~start;
  for (let at = start + 1; at < start + 5; at += 1) {
    if (at >= end) return ~end;
    if (HEX[bytes[at] as number] !== 1) return ~at;
  }
  return start + 5;
}

/** Most values stand without white space around them. */
function gap(bytes: Buffer, start: number, end: number): number {
  return start < end && (bytes[start] as number) > 0x20 ? start : spaceEnd(bytes, start, end);
}

function spaceEnd(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isSpace(bytes[at] as number)) at += 1;
  return at;
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

function scalarEnd(bytes: Buffer, start: number, end: number): number {
  switch (bytes[start]) {
    case 0x74:
      return wordEnd(bytes, start, end, TRUE);
    case 0x66:
      return wordEnd(bytes, start, end, FALSE);
    case 0x6e:
      return wordEnd(bytes, start, end, NULL);
    default:
      return numberEnd(bytes, start, end);
  }
}

function wordEnd(bytes: Buffer, start: number, end: number, word: Buffer): number {
  for (let index = 0; index < word.length; index += 1) {
    if (start + index >= end) return ~end;
    if (bytes[start + index] !== word[index]) return ~(start + index);
  }
  return start + word.length;
}

function numberEnd(bytes: Buffer, start: number, end: number): number {
  let at = start;
  if (bytes[at] === 0x2d) at += 1;
  if (at < end && bytes[at] === ZERO) at += 1;
  else {
    at = digitsEnd(bytes, at, end);
    if (at < 0) return at;
  }
  if (at < end && bytes[at] === 0x2e) {
    at = digitsEnd(bytes, at + 1, end);
    if (at < 0) return at;
  }
  if (at < end && (bytes[at] === 0x65 || bytes[at] === 0x45)) {
    at += 1;
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at += 1;
    return digitsEnd(bytes, at, end);
  }
  return at;
}

/** One digit or more. */
function digitsEnd(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at += 1;
  return at === start ? ~at : at;
}
