/** Finds which of a fixed set of texts (as UTF-8) stands in a range of bytes, without decoding it. */
export class ByteTable<Value> {
  readonly #chains: (Link<Value> | null)[] = Array.from({ length: 256 }, () => null);
  readonly size: number;

  constructor(entries: Iterable<readonly [text: string, value: Value]>) {
    let size = 0;
    for (const [text, value] of new Map(entries)) {
      const bytes = Buffer.from(text);
      const at = hash(bytes, 0, bytes.length);
      this.#chains[at] = { bytes, value, next: this.#chains[at] as Link<Value> | null };
      size += 1;
    }
    this.size = size;
  }

  get(bytes: Buffer, start: number, end: number): Value | null {
    let link = this.#chains[hash(bytes, start, end)] as Link<Value> | null;
    for (; link !== null; link = link.next) if (equals(link.bytes, bytes, start, end)) return link.value;
    return null;
  }
}

interface Link<Value> {
  readonly bytes: Buffer;
  readonly value: Value;
  readonly next: Link<Value> | null;
}

/** Of the length and three bytes: who writes the events cannot make the chains longer, the policy has them all. */
function hash(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const middle = bytes[start + (length >> 1)] as number;
  return (length * 31 + (bytes[start] as number) * 7 + middle * 3 + (bytes[end - 1] as number) * 13) & 255;
}

export function equals(text: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const { length } = text;
  if (length !== end - start) return false;
  for (let at = 0; at < length; at += 1) if (text[at] !== bytes[start + at]) return false;
  return true;
}

export function startsWith(text: Buffer, bytes: Buffer, start: number, end: number): boolean {
  return end - start >= text.length && equals(text, bytes, start, start + text.length);
}
