/**
 * Steps through JSON that is known to be sound: an event has been scanned as a whole before an output sees it. Positions are of the buffer;
 * a visitor that gives back false ends the walk.
 */
export class JsonWalk {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The members of the object at `start`: key without its quotes, as it is written, and where its value starts. */
  members(start: number, visit: (keyStart: number, keyEnd: number, valueStart: number) => boolean): boolean {
    const { bytes } = this;
    let at = this.#space(start + 1);
    while (bytes[at] === QUOTE) {
      const keyEnd = this.#stringEnd(at) - 1;
      const value = this.#space(this.#space(keyEnd + 1) + 1);
      if (!visit(at + 1, keyEnd, value)) return false;
      at = this.#space(this.valueEnd(value));
      if (bytes[at] === COMMA) at = this.#space(at + 1);
    }
    return true;
  }

  /** The elements of the array at `start`. */
  elements(start: number, visit: (valueStart: number) => boolean): boolean {
    const { bytes } = this;
    let at = this.#space(start + 1);
    while (at < bytes.length && bytes[at] !== CLOSE_ARRAY) {
      if (!visit(at)) return false;
      at = this.#space(this.valueEnd(at));
      if (bytes[at] === COMMA) at = this.#space(at + 1);
    }
    return true;
  }

  /** Behind the value at `start`. */
  valueEnd(start: number): number {
    const { bytes } = this;
    let at = start;
    if (bytes[at] === QUOTE) return this.#stringEnd(at);
    if (bytes[at] === OPEN_OBJECT || bytes[at] === OPEN_ARRAY) {
      let depth = 0;
      while (at < bytes.length) {
        const byte = bytes[at] as number;
        if (byte === QUOTE) {
          at = this.#stringEnd(at);
          continue;
        }
        at += 1;
        if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
        else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
          depth -= 1;
          if (depth === 0) return at;
        }
      }
      return at;
    }
    while (at < bytes.length && SCALAR[bytes[at] as number] === 1) at += 1;
    return at;
  }

  #stringEnd(start: number): number {
    const { bytes } = this;
    let at = start + 1;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
    return at;
  }

  #space(start: number): number {
    const { bytes } = this;
    let at = start;
    while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at += 1;
    return at;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

const SCALAR = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[-+.0-9A-Za-z]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
