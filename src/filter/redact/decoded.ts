import type { Finding } from './finding.ts';

/** Text that was written with escapes, and where each byte of it stands in what it was read from. */
export interface Decoded {
  readonly bytes: Buffer;
  /** One more than there are bytes; what an escape stands for starts where the escape does. */
  readonly offsets: Uint32Array;
}

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const PLUS = 0x2b;

const SHORT: Readonly<Record<number, number>> = {
  0x22: 0x22,
  0x2f: 0x2f,
  0x5c: 0x5c,
  0x62: 0x08,
  0x66: 0x0c,
  0x6e: 0x0a,
  0x72: 0x0d,
  0x74: 0x09,
};

/** Decodes what stands between the quotes of a JSON string; null where an escape is none of JSON's. */
export function decodeJson(source: Buffer, start: number, end: number): Decoded | null {
  const out = new Writer(end - start);
  for (let at = start; at < end; ) {
    const byte = source[at] as number;
    if (byte !== BACKSLASH) {
      out.put(byte, at);
      at += 1;
      continue;
    }
    const escape = source[at + 1] as number;
    const short = SHORT[escape];
    if (short !== undefined) {
      out.put(short, at);
      at += 2;
      continue;
    }
    const unit = escape === 0x75 && at + 6 <= end ? hex(source, at + 2, 4) : -1;
    if (unit === -1) return null;
    out.putCharacter(unit, at);
    at += 6;
  }
  return out.end(end);
}

/** Decodes percent escapes and pluses of a query; what is no escape stands for itself. */
export function decodePercent(source: Buffer, start: number, end: number): Decoded {
  const out = new Writer(end - start);
  for (let at = start; at < end; ) {
    const byte = source[at] as number;
    const value = byte === PERCENT && at + 3 <= end ? hex(source, at + 1, 2) : -1;
    out.put(value !== -1 ? value : byte === PLUS ? 0x20 : byte, at);
    at += value === -1 ? 1 : 3;
  }
  return out.end(end);
}

/** Carries what was found in the text back to where the text was read from, `quote` escaping what is put in. */
export function carryBack(
  findings: readonly Finding[],
  { offsets }: Decoded,
  quote: (text: string) => string,
): Finding[] {
  return findings.map(({ start, end, kind, by }) => ({
    start: offsets[start] as number,
    end: offsets[end] as number,
    kind,
    by: quote(by),
  }));
}

/** Text as it stands within a JSON string. */
export function quoteJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Most texts are short: memory of its own for each costs more than decoding it. */
const SLAB = 16_384;
let slab = new Uint32Array(SLAB);
let used = 0;

function offsetsFor(count: number): Uint32Array {
  if (count > SLAB / 8) return new Uint32Array(count);
  if (used + count > SLAB) {
    slab = new Uint32Array(SLAB);
    used = 0;
  }
  used += count;
  return slab.subarray(used - count, used);
}

class Writer {
  readonly #bytes: Buffer;
  readonly #offsets: Uint32Array;
  #length = 0;

  /** No escape is shorter than what it stands for. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#offsets = offsetsFor(capacity + 1);
  }

  put(byte: number, from: number): void {
    this.#bytes[this.#length] = byte;
    this.#offsets[this.#length] = from;
    this.#length += 1;
  }

  /** The UTF-8 of one UTF-16 unit; halves of a pair stay apart, for nothing is looked for there. */
  putCharacter(unit: number, from: number): void {
    if (unit < 0x80) {
      this.put(unit, from);
      return;
    }
    if (unit < 0x800) this.put(0xc0 | (unit >> 6), from);
    else {
      this.put(0xe0 | (unit >> 12), from);
      this.put(0x80 | ((unit >> 6) & 0x3f), from);
    }
    this.put(0x80 | (unit & 0x3f), from);
  }

  end(from: number): Decoded {
    this.#offsets[this.#length] = from;
    return { bytes: this.#bytes.subarray(0, this.#length), offsets: this.#offsets };
  }
}

function hex(source: Buffer, start: number, digits: number): number {
  let value = 0;
  for (let at = start; at < start + digits; at += 1) {
    const byte = source[at] as number;
    const digit =
      byte >= 0x30 && byte <= 0x39
        ? byte - 0x30
        : (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
          ? (byte | 0x20) - 0x57
          : -1;
    if (digit === -1) return -1;
    value = value * 16 + digit;
  }
  return value;
}
