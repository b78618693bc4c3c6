import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import { membersOf } from '../../event/json-walk.ts';
import { BODY_SHAPE, fits } from './body-shape.ts';

/** What stands under `kubernetes.audit`; `bytes` is good until the next event. */
export interface EcsEvent {
  readonly bytes: Buffer;
  readonly length: number;
  /** The annotations' keys as they were, where turning every `_` back into a dot would not give them. */
  readonly annotationKeys?: readonly string[];
}

/** Behind the name of a body that does not fit the published types: kept, and not searchable. */
export const UNMAPPED = Buffer.from('Unmapped');
const BODIES = [SLOT.requestObject, SLOT.responseObject] as const;

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Copies an event with the two changes that the published fields ask for: the keys of annotations have `_` for `.`, as in
 * `authorization_k8s_io/decision`; and a body whose values do not have the published types is called `requestObjectUnmapped`
 * (or `response…`), where it cannot have the event refused. `plainEvent` takes both back.
 */
export function ecsEvent(event: Event): EcsEvent {
  const { bytes, start, end } = event;
  const marks = BODIES.flatMap((slot) => {
    const value = event.valueStart(slot);
    return value === -1 || fits(bytes, value, BODY_SHAPE) ? [] : [keyEndBefore(bytes, value)];
  }).sort((a, b) => a - b);
  const length = end - start + marks.length * UNMAPPED.length;
  if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length * 2);
  let at = 0;
  let from = start;
  for (const mark of marks) {
    at += bytes.copy(scratch, at, from, mark);
    at += UNMAPPED.copy(scratch, at);
    from = mark;
  }
  bytes.copy(scratch, at, from, end);

  const annotations = event.valueStart(SLOT.annotations);
  if (annotations === -1 || bytes[annotations] !== OPEN_OBJECT) return { bytes: scratch, length };
  const shift = marks.filter((mark) => mark < annotations).length * UNMAPPED.length - start;
  const keys = [...membersOf(bytes, annotations)];
  const texts = keys.map((member) => bytes.toString('latin1', member.start + 1, member.keyEnd));
  const changed = texts.map((text) => (text.includes('\\') ? text : text.replaceAll('.', '_')));
  for (const [index, { start: quote }] of keys.entries()) {
    const key = changed[index] as string;
    // Two keys must not become one.
    if (changed.indexOf(key) === index && changed.indexOf(key, index + 1) === -1) {
      scratch.write(key, quote + 1 + shift, 'latin1');
    }
  }
  const isPlain = !texts.some((text) => text.includes('_') || text.includes('\\'));
  return isPlain ? { bytes: scratch, length } : { bytes: scratch, length, annotationKeys: texts };
}

/** The event that `ecsEvent` was made of. Not for the hot path: a dead letter asks for it. */
export function plainEvent(stored: Buffer, annotationKeys: readonly string[] | undefined): Buffer {
  const bytes = Buffer.from(stored);
  const cuts: number[] = [];
  for (const { start, keyEnd, value } of membersOf(bytes, 0)) {
    const key = bytes.toString('latin1', start + 1, keyEnd);
    if (key === 'requestObjectUnmapped' || key === 'responseObjectUnmapped') cuts.push(keyEnd - UNMAPPED.length);
    if (key !== 'annotations' || bytes[value] !== OPEN_OBJECT) continue;
    for (const [index, member] of [...membersOf(bytes, value)].entries()) {
      const name = bytes.toString('latin1', member.start + 1, member.keyEnd);
      bytes.write(annotationKeys?.[index] ?? name.replaceAll('_', '.'), member.start + 1, 'latin1');
    }
  }
  const parts: Buffer[] = [];
  let from = 0;
  for (const cut of cuts) {
    parts.push(bytes.subarray(from, cut));
    from = cut + UNMAPPED.length;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}

/** Where the closing quote stands of the key whose value starts at `value`. */
function keyEndBefore(bytes: Buffer, value: number): number {
  return bytes.lastIndexOf(QUOTE, value - 1);
}

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
