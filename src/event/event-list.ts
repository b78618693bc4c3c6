import { JsonScanner } from './json.ts';

/** The events of an EventList as lines; or why it is none. */
export type EventListLines =
  | { readonly lines: Buffer; readonly events: number }
  | { readonly malformed: string; readonly at: number };

interface Item {
  readonly start: number;
  readonly end: number;
  readonly kind: boolean;
  readonly apiVersion: boolean;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

const KIND = Buffer.from('"kind":"Event",');
const API_VERSION = '"apiVersion":';
/** A version as Kubernetes names them: it is put in front of each item, so a long one would grow with their number. */
const GROUP_VERSION = /^"audit\.k8s\.io\/v\d{1,3}(?:(?:alpha|beta)\d{1,3})?"$/;
/** An event has some 200 bytes at least. Many items of a few bytes would take far more memory than the body. */
const LEAST_ITEM_BYTES = 16;
const FEW_ITEMS = 1000;

/** Where a text stops being what it should be. */
class Malformed extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/**
 * Makes lines of the body that the API server's audit webhook posts, an EventList of audit.k8s.io. Its items carry no
 * `kind` and `apiVersion`; with these put in front, a line is byte by byte what the API server's log backend writes.
 * Nothing is decoded: items are found by a scan that checks that they are JSON. A newline between tokens, which the API
 * server does not write, becomes a space.
 */
export function eventListLines(body: Buffer): EventListLines {
  try {
    return new ListReader(body).read();
  } catch (error) {
    if (error instanceof Malformed) return { malformed: error.message, at: error.at };
    throw error;
  }
}

class ListReader {
  readonly #body: Buffer;
  readonly #scanner = new JsonScanner();

  constructor(body: Buffer) {
    this.#body = body;
    this.#scanner.on(body, body.length);
  }

  read(): EventListLines {
    const parts = new Map<string, string>();
    let items: Item[] | null = null;
    const end = this.#members(this.#scanner.space(0), (key, start) => {
      if (key === 'items') {
        if (items !== null) throw new Malformed('items stands in it twice', start);
        items = [];
        return this.#items(start, items);
      }
      const stop = this.#value(start);
      if (key === 'kind' || key === 'apiVersion') parts.set(key, this.#body.toString('latin1', start, stop));
      return stop;
    });
    if (this.#scanner.space(end) < this.#body.length) throw new Malformed('something stands behind the list', end);
    const apiVersion = parts.get('apiVersion') ?? '';
    if (parts.get('kind') !== '"EventList"' || !GROUP_VERSION.test(apiVersion))
      throw new Malformed('it is no EventList of audit.k8s.io', 0);
    if (items === null) throw new Malformed('it has no items', 0);
    return { lines: this.#lines(items, Buffer.from(`${API_VERSION}${apiVersion},`)), events: (items as Item[]).length };
  }

  /** `visit` is given a key and where its value starts, and gives where that ends. Gives where the object ends. */
  #members(start: number, visit: (key: string, valueStart: number) => number): number {
    let at = this.#scanner.space(this.#expect(start, OPEN_OBJECT, 'an object'));
    if (this.#body[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      const keyStart = this.#expect(at, QUOTE, 'a key');
      const keyEnd = this.#good(this.#scanner.string(keyStart));
      // Longer ones are none of those that are asked for.
      const key = keyEnd - keyStart > 16 ? '' : this.#body.toString('latin1', keyStart, keyEnd - 1);
      at = this.#scanner.space(this.#expect(this.#scanner.space(keyEnd), COLON, 'a colon'));
      at = this.#scanner.space(visit(key, at));
      if (this.#body[at] === CLOSE_OBJECT) return at + 1;
      at = this.#scanner.space(this.#expect(at, COMMA, 'a comma'));
    }
  }

  #items(start: number, items: Item[]): number {
    // Go writes null for a list of none.
    if (this.#body[start] === 0x6e) return this.#value(start);
    let at = this.#scanner.space(this.#expect(start, OPEN_ARRAY, 'a list'));
    if (this.#body[at] === CLOSE_ARRAY) return at + 1;
    for (;;) {
      let kind = false;
      let apiVersion = false;
      const end = this.#members(at, (key, value) => {
        kind ||= key === 'kind';
        apiVersion ||= key === 'apiVersion';
        return this.#value(value);
      });
      items.push({ start: at, end, kind, apiVersion });
      if (items.length > FEW_ITEMS + this.#body.length / LEAST_ITEM_BYTES)
        throw new Malformed('its items are too small to be events', at);
      at = this.#scanner.space(end);
      if (this.#body[at] === CLOSE_ARRAY) return at + 1;
      at = this.#scanner.space(this.#expect(at, COMMA, 'a comma'));
    }
  }

  #lines(items: readonly Item[], apiVersion: Buffer): Buffer {
    const body = this.#body;
    const size = (item: Item) =>
      item.end - item.start + (item.kind ? 0 : KIND.length) + (item.apiVersion ? 0 : apiVersion.length) + 1;
    const lines = Buffer.allocUnsafe(items.reduce((sum, item) => sum + size(item), 0));
    let at = 0;
    for (const item of items) {
      const lineStart = at;
      lines[at++] = OPEN_OBJECT;
      if (!item.kind) at += KIND.copy(lines, at);
      if (!item.apiVersion) at += apiVersion.copy(lines, at);
      // An item without any member has nothing that a comma could stand before.
      if (at > lineStart + 1 && body[this.#scanner.space(item.start + 1)] === CLOSE_OBJECT) at -= 1;
      at += body.copy(lines, at, item.start + 1, item.end);
      unbreak(lines, lineStart, at);
      lines[at++] = NEWLINE;
    }
    return lines.subarray(0, at);
  }

  #value(start: number): number {
    return this.#good(this.#scanner.value(start));
  }

  #good(position: number): number {
    if (position < 0) throw new Malformed('it is no JSON, or is cut off', ~position);
    return position;
  }

  #expect(at: number, byte: number, words: string): number {
    if (this.#body[at] !== byte) throw new Malformed(`${words} is missing, or it is cut off`, at);
    return at + 1;
  }
}

/** In JSON a newline stands between tokens only: inside strings it is escaped. Nothing behind `end` is looked at. */
function unbreak(bytes: Buffer, start: number, end: number): void {
  const line = bytes.subarray(start, end);
  for (let at = line.indexOf(NEWLINE); at !== -1; at = line.indexOf(NEWLINE, at + 1)) line[at] = SPACE;
}
