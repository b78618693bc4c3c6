import { SLOT } from '../../event/field.ts';
import type { Event } from '../../event/event.ts';
import type { Batch, ItemWriter } from '../../pipeline/batch.ts';
import { varintLength, writeVarint } from '../../varint.ts';
import { LEVELS } from './labels.ts';

/*
 * An item is one `entries` field of a StreamAdapter. Wire format: pkg/push/push.proto of grafana/loki.
 *
 *   StreamAdapter    { string labels = 1; repeated EntryAdapter entries = 2; uint64 hash = 3; }
 *   EntryAdapter     { google.protobuf.Timestamp timestamp = 1; string line = 2;
 *                      repeated LabelPairAdapter structuredMetadata = 3; }
 *   LabelPairAdapter { string name = 1; string value = 2; }
 *   Timestamp        { int64 seconds = 1; int32 nanos = 2; }
 */
const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
const FIELD_3 = 0x1a;
const NUMBER_1 = 0x08;
const NUMBER_2 = 0x10;
const QUOTE = 0x22;

/** Names of objects are chosen by clients, and Loki takes 64 KiB of metadata in all: nine values stay below. */
const MAX_VALUE_BYTES = 4096;
const DECISION = 'authorization.k8s.io/decision';
const NANOS = 1_000_000_000n;

/** The fields of an event that go into structured metadata. */
const STRINGS = [
  [pairName('user'), SLOT['user.username']],
  [pairName('verb'), SLOT.verb],
  [pairName('resource'), SLOT['objectRef.resource']],
  [pairName('namespace'), SLOT['objectRef.namespace']],
  [pairName('name'), SLOT['objectRef.name']],
  [pairName('auditID'), SLOT.auditID],
  [pairName('stage'), SLOT.stage],
] as const;
const CODE_NAME = pairName('code');
const DECISION_NAME = pairName('decision');
const LEVEL_BYTES = LEVELS.map((level) => Buffer.from(level));

/** Room for all pairs: nine values, with their names and lengths. */
const MAX_PAIRS_BYTES = 9 * (MAX_VALUE_BYTES + 32);

/** The line of an entry: the event itself, or what the size ladder left of it. */
interface Line {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Number of the stream that an event belongs to. */
export function streamOf(event: Event): number {
  const start = event.valueStart(SLOT.level) + 1;
  const end = event.valueEnd(SLOT.level) - 1;
  for (let stream = 1; stream < LEVEL_BYTES.length; stream += 1) {
    const level = LEVEL_BYTES[stream] as Buffer;
    if (end - start === level.length && standsAt(level, event.bytes, start)) return stream;
  }
  return 0;
}

function standsAt(word: Buffer, bytes: Buffer, start: number): boolean {
  for (let at = 0; at < word.length; at += 1) if (bytes[start + at] !== word[at]) return false;
  return true;
}

/** Writes entries; it has a buffer of its own, as the length of an entry stands before its content. */
export class EntryWriter {
  readonly #pairs = Buffer.allocUnsafeSlow(MAX_PAIRS_BYTES);
  #length = 0;

  /** Writes one entry. Returns false where the time of the event is before 1970: Loki refuses that in any case. */
  write(event: Event, line: Line, item: ItemWriter): boolean {
    const { seconds, nanos } = event.instant();
    if (seconds < 0) return false;
    const timeLength = 1 + varintLength(seconds) + (nanos === 0 ? 0 : 1 + varintLength(nanos));
    const lineLength = line.end - line.start;
    this.#collect(event);

    item.byte(FIELD_2);
    item.varint(2 + timeLength + 1 + varintLength(lineLength) + lineLength + this.#length);
    item.byte(FIELD_1);
    item.varint(timeLength);
    item.byte(NUMBER_1);
    item.varint(seconds);
    if (nanos !== 0) {
      item.byte(NUMBER_2);
      item.varint(nanos);
    }
    item.byte(FIELD_2);
    item.varint(lineLength);
    item.event(line.bytes, line.start, line.end);
    item.copy(this.#pairs, 0, this.#length);
    return true;
  }

  #collect(event: Event): void {
    this.#length = 0;
    for (const [name, slot] of STRINGS) this.#string(name, event, slot);
    this.#code(event);
    this.#text(DECISION_NAME, event.annotation(DECISION));
  }

  /** A string without escapes, all ASCII, is copied as it stands in the event; most are. */
  #string(name: Buffer, event: Event, slot: number): void {
    const start = event.valueStart(slot) + 1;
    const end = event.valueEnd(slot) - 1;
    if (end <= start || event.bytes[start - 1] !== QUOTE) return; // unset, empty, null
    if (!isPlain(event.bytes, start, end)) {
      this.#text(name, event.text(slot));
      return;
    }
    const length = Math.min(end - start, MAX_VALUE_BYTES);
    this.#open(name, length);
    this.#copy(event.bytes, start, start + length);
  }

  /** A whole number of three digits, as all are that a server means, is copied as it stands. */
  #code(event: Event): void {
    const slot = SLOT['responseStatus.code'];
    if (!event.has(slot)) return;
    const [start, end] = [event.valueStart(slot), event.valueEnd(slot)];
    if (end - start !== 3 || !isDigits(event.bytes, start, end)) {
      this.#text(CODE_NAME, String(event.number(slot)));
      return;
    }
    this.#open(CODE_NAME, 3);
    this.#copy(event.bytes, start, end);
  }

  #text(name: Buffer, text: string): void {
    if (text === '') return;
    const value = cut(Buffer.from(text), MAX_VALUE_BYTES);
    this.#open(name, value.length);
    this.#copy(value, 0, value.length);
  }

  /** Byte by byte: for the few that names and values have, a call into the runtime costs more. */
  #copy(bytes: Buffer, start: number, end: number): void {
    const pairs = this.#pairs;
    let length = this.#length;
    for (let at = start; at < end; at += 1) pairs[length++] = bytes[at] as number;
    this.#length = length;
  }

  /** Writes what stands before a value. */
  #open(name: Buffer, valueLength: number): void {
    this.#pairs[this.#length++] = FIELD_3;
    const pairLength = name.length + 1 + varintLength(valueLength) + valueLength;
    this.#length = writeVarint(this.#pairs, this.#length, pairLength);
    this.#copy(name, 0, name.length);
    this.#pairs[this.#length++] = FIELD_2;
    this.#length = writeVarint(this.#pairs, this.#length, valueLength);
  }
}

/** What Loki measures an entry by, read back from an encoded item. */
export interface EntryFacts {
  readonly timeNs: bigint;
  readonly lineBytes: number;
  /** Sum of the lengths of names and values. */
  readonly metadataBytes: number;
  readonly metadataCount: number;
}

/** Reads an item back. Only refusals need this, so an item carries nothing for it. */
export function readEntry(batch: Batch, item: number): EntryFacts {
  const bytes = batch.bytes;
  let at = batch.itemStart(item) + 1;
  function varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
  varint();
  at += 1;
  const timeEnd = varint() + at;
  at += 1;
  const seconds = varint();
  let nanos = 0;
  if (at < timeEnd) {
    at += 1;
    nanos = varint();
  }
  at = batch.eventEnd(item);
  let metadataBytes = 0;
  let metadataCount = 0;
  for (const end = batch.itemEnd(item); at < end; metadataCount += 1) {
    for (let field = 0; field < 2; field += 1) {
      if (field === 0) {
        at += 1;
        varint();
      }
      at += 1;
      const length = varint();
      metadataBytes += length;
      at += length;
    }
  }
  const lineBytes = batch.eventEnd(item) - batch.eventStart(item);
  return { timeNs: BigInt(seconds) * NANOS + BigInt(nanos), lineBytes, metadataBytes, metadataCount };
}

/** Seconds since the epoch of an encoded item: what stands behind two lengths and three tags. */
export function entrySeconds(batch: Batch, item: number): number {
  const { bytes } = batch;
  let at = batch.itemStart(item) + 1;
  while ((bytes[at++] as number) > 0x7f);
  at += 3;
  let seconds = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] as number;
    seconds += (byte & 0x7f) * scale;
    if (byte < 0x80) return seconds;
  }
}

/** The `name` field of a pair, encoded. */
function pairName(name: string): Buffer {
  return Buffer.concat([Buffer.from([FIELD_1, name.length]), Buffer.from(name)]);
}

function isDigits(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return true;
}

function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0x5c || byte > 0x7e) return false;
  }
  return true;
}

/** Cuts UTF-8 at a character border. */
function cut(bytes: Buffer, max: number): Buffer {
  if (bytes.length <= max) return bytes;
  let end = max;
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
