import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import { equals } from './byte-table.ts';

/** A text, as UTF-8 within some bytes: mostly those of the event itself. */
export class Text {
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  set(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
  }

  toString(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }
}

const NOTHING = Buffer.alloc(0);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const PERCENT = 0x25;
const QUESTION = 0x3f;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** The longest path that is told apart: /apis/GROUP/VERSION/watch/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE. */
const MAX_PARTS = 9;

/**
 * What the API server knew of a request when it asked its policy: who (never the impersonated user), the verb, and what
 * the path of the request URI names. Not `objectRef`: the body fills that later. As RequestInfoFactory in
 * k8s.io/apiserver/pkg/endpoints/request/requestinfo.go, with the prefixes `api` and `apis`. Texts stay where they stand
 * in the event unless they are written with escapes; they hold until the next `read`.
 */
export class RequestAttributes {
  readonly user = new Text();
  readonly verb = new Text();
  readonly path = new Text();
  readonly apiGroup = new Text();
  readonly namespace = new Text();
  readonly resource = new Text();
  readonly subresource = new Text();
  readonly name = new Text();
  /** The group of the user that `nextUserGroup` has come to. */
  readonly userGroup = new Text();
  isResourceRequest = false;
  #event: Event | null = null;
  #groupsAt = 0;
  #hasUser: boolean | null = null;
  readonly #partStarts = new Int32Array(MAX_PARTS);
  readonly #partEnds = new Int32Array(MAX_PARTS);

  read(event: Event): void {
    this.#event = event;
    this.#hasUser = null;
    readText(event, SLOT['user.username'], this.user);
    readText(event, SLOT.verb, this.verb);
    this.#clear();
    if (!this.#readPath(event)) this.#readReference(event);
  }

  /** False where the request failed in authentication or before: it is then recorded with an empty user. */
  get hasUser(): boolean {
    if (!this.user.isEmpty) return true;
    const event = this.#event as Event;
    this.#hasUser ??= event.text(SLOT['user.uid']) !== '' || event.list(SLOT['user.groups']).length > 0;
    return this.#hasUser;
  }

  /** Starts over with the groups of the user. */
  rewindUserGroups(): void {
    const event = this.#event as Event;
    const start = event.valueStart(SLOT['user.groups']);
    this.#groupsAt = start === -1 || event.bytes[start] !== OPEN_ARRAY ? -1 : start + 1;
  }

  /** Moves `userGroup` on; false where there is no more. */
  nextUserGroup(): boolean {
    let at = this.#groupsAt;
    if (at === -1) return false;
    const { bytes } = this.#event as Event;
    // The scan has seen that this is JSON, so an array ends, and so does a string in it.
    while (bytes[at] !== QUOTE) {
      if (bytes[at] === CLOSE_ARRAY) return false;
      at += 1;
    }
    const start = at + 1;
    let isEscaped = false;
    for (at = start; bytes[at] !== QUOTE; at += 1) {
      if (bytes[at] !== BACKSLASH) continue;
      isEscaped = true;
      at += 1;
    }
    this.#groupsAt = at + 1;
    if (isEscaped) setText(this.userGroup, JSON.parse(bytes.toString('utf8', start - 1, at + 1)) as string);
    else this.userGroup.set(bytes, start, at);
    return true;
  }

  #clear(): void {
    this.isResourceRequest = false;
    this.path.clear();
    this.apiGroup.clear();
    this.namespace.clear();
    this.resource.clear();
    this.subresource.clear();
    this.name.clear();
  }

  /** False where the request URI says nothing: what the API server recorded has to do then. */
  #readPath(event: Event): boolean {
    const { bytes } = event;
    const uri = event.valueStart(SLOT.requestURI);
    if (uri === -1 || bytes[uri] !== QUOTE) return false;
    const start = uri + 1;
    const last = event.valueEnd(SLOT.requestURI) - 1;
    let end = start;
    for (; end < last; end += 1) {
      const byte = bytes[end] as number;
      if (byte === QUESTION) break;
      if (byte === PERCENT || byte === BACKSLASH) return this.#readEscapedPath(event);
    }
    return this.#split(event, bytes, start, end);
  }

  #readEscapedPath(event: Event): boolean {
    const decoded = decodePath(Buffer.from(event.text(SLOT.requestURI)));
    return decoded !== null && this.#split(event, decoded, 0, decoded.length);
  }

  #split(event: Event, bytes: Buffer, start: number, end: number): boolean {
    if (start === end || (bytes[start] !== SLASH && !equals(ASTERISK, bytes, start, end))) return false;
    this.path.set(bytes, start, end);
    const count = this.#parts(bytes, start, end);
    if (count < 3) return true;
    const length = this.#lengthOf(0);
    const prefix = this.#partStarts[0] as number;
    const isApi = bytes[prefix] === 0x61 && bytes[prefix + 1] === 0x70 && bytes[prefix + 2] === 0x69;
    if (!isApi || (length !== 3 && (length !== 4 || bytes[prefix + 3] !== 0x73))) return true;
    if (length === 3) return this.#readResource(event, bytes, 2, count);
    if (count < 4) return true;
    this.#take(this.apiGroup, bytes, 1);
    return this.#readResource(event, bytes, 3, count);
  }

  /** `first` is the part behind the version. */
  #readResource(event: Event, bytes: Buffer, first: number, count: number): boolean {
    let at = first;
    const isProxy = this.#is(PROXY, bytes, at);
    const isSpecial = isProxy || this.#is(WATCH, bytes, at);
    if (isSpecial) {
      at += 1;
      if (at === count) {
        // The API server answers this with an error before it asks the policy.
        this.#clear();
        return false;
      }
    }
    this.isResourceRequest = true;
    if (this.#is(NAMESPACES, bytes, at) && at + 1 < count) {
      this.#take(this.namespace, bytes, at + 1);
      if (at + 2 < count && !this.#is(STATUS, bytes, at + 2) && !this.#is(FINALIZE, bytes, at + 2)) at += 2;
    }
    this.#take(this.resource, bytes, at);
    if (at + 1 < count) this.#take(this.name, bytes, at + 1);
    if (at + 2 < count && !isProxy) this.#take(this.subresource, bytes, at + 2);
    // The field selector of a list or watch may name one object. No body is read then: what is recorded is what it said.
    if (this.name.isEmpty && !isSpecial && isRead(this.verb)) readText(event, SLOT['objectRef.name'], this.name);
    return true;
  }

  #readReference(event: Event): void {
    readText(event, SLOT.requestURI, this.path);
    const { bytes, start, end } = this.path;
    const query = bytes.subarray(start, end).indexOf(QUESTION);
    if (query !== -1) this.path.set(bytes, start, start + query);
    if (!event.has(SLOT.objectRef)) return;
    this.isResourceRequest = true;
    readText(event, SLOT['objectRef.apiGroup'], this.apiGroup);
    readText(event, SLOT['objectRef.namespace'], this.namespace);
    readText(event, SLOT['objectRef.resource'], this.resource);
    readText(event, SLOT['objectRef.subresource'], this.subresource);
    readText(event, SLOT['objectRef.name'], this.name);
  }

  /** Finds the parts between slashes, without those in front and at the end; gives how many, at most `MAX_PARTS`. */
  #parts(bytes: Buffer, from: number, to: number): number {
    let start = from;
    let end = to;
    while (start < end && bytes[start] === SLASH) start += 1;
    while (start < end && bytes[end - 1] === SLASH) end -= 1;
    if (start === end) return 0;
    let count = 0;
    for (let at = start; at < end; at += 1) {
      if (bytes[at] !== SLASH) continue;
      this.#partStarts[count] = start;
      this.#partEnds[count] = at;
      start = at + 1;
      count += 1;
      if (count === MAX_PARTS) return count;
    }
    this.#partStarts[count] = start;
    this.#partEnds[count] = end;
    return count + 1;
  }

  #lengthOf(part: number): number {
    return (this.#partEnds[part] as number) - (this.#partStarts[part] as number);
  }

  #is(text: Buffer, bytes: Buffer, part: number): boolean {
    return equals(text, bytes, this.#partStarts[part] as number, this.#partEnds[part] as number);
  }

  #take(text: Text, bytes: Buffer, part: number): void {
    text.set(bytes, this.#partStarts[part] as number, this.#partEnds[part] as number);
  }
}

const ASTERISK = Buffer.from('*');
const PROXY = Buffer.from('proxy');
const WATCH = Buffer.from('watch');
const NAMESPACES = Buffer.from('namespaces');
const STATUS = Buffer.from('status');
const FINALIZE = Buffer.from('finalize');
const READS = ['list', 'watch', 'get'].map((verb) => Buffer.from(verb));

function isRead({ bytes, start, end }: Text): boolean {
  return READS.some((verb) => equals(verb, bytes, start, end));
}

function setText(into: Text, text: string): void {
  const bytes = Buffer.from(text);
  into.set(bytes, 0, bytes.length);
}

/** The empty text where the field is unset or no string. */
function readText(event: Event, slot: number, into: Text): void {
  const start = event.valueStart(slot);
  const { bytes } = event;
  if (start === -1 || bytes[start] !== QUOTE) {
    into.clear();
    return;
  }
  const end = event.valueEnd(slot) - 1;
  for (let at = start + 1; at < end; at += 1) {
    if (bytes[at] === BACKSLASH) {
      setText(into, event.text(slot));
      return;
    }
  }
  into.set(bytes, start + 1, end);
}

/** The path of a request URI without its percent escapes, or null where Go's net/url would not take it. */
function decodePath(uri: Buffer): Buffer | null {
  const decoded = Buffer.allocUnsafe(uri.length);
  let length = 0;
  for (let at = 0; at < uri.length && uri[at] !== QUESTION; at += 1) {
    let byte = uri[at] as number;
    if (byte < 0x20 || byte === 0x7f) return null;
    if (byte === PERCENT) {
      const hex = uri.toString('latin1', at + 1, at + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) return null;
      byte = Number.parseInt(hex, 16);
      at += 2;
    }
    decoded[length] = byte;
    length += 1;
  }
  return decoded.subarray(0, length);
}
