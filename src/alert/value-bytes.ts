import { randomBytes } from 'node:crypto';
import type { Event } from '../event/event.ts';

/** Nobody outside can find two values of one hash without knowing this. */
const SEED = randomBytes(8);
/** What hashes begin with; two of the same bytes tell more values apart together than one. */
export const SEED_A = SEED.readInt32LE(0);
const SEED_B = SEED.readInt32LE(4);

/** Takes the bytes of a value as they stand in the line into a hash; whoever hashes several values begins with the hash so far. */
export function hashValue(event: Event, slot: number, hash: number): number {
  const { bytes } = event;
  const end = event.valueEnd(slot);
  let at = event.valueStart(slot);
  let sum = hash;
  // Four at a time: each step waits for the one before.
  for (; at + 4 <= end; at += 4) {
    const four =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    sum = Math.imul(sum ^ four, 0x85ebca6b);
    sum ^= sum >>> 15;
  }
  for (; at < end; at += 1) {
    sum = Math.imul(sum ^ (bytes[at] as number), 0x85ebca6b);
    sum ^= sum >>> 15;
  }
  // Where one value ends and the next begins.
  return Math.imul(sum ^ 0x100, 0xc2b2ae35);
}

/** A number that many values do not share, of some of the bytes and the length: nothing may rest on it but speed. */
export function sampleOf(event: Event, slot: number): number {
  const { bytes } = event;
  const start = event.valueStart(slot);
  const end = event.valueEnd(slot);
  let sum = SEED_A ^ (end - start);
  const step = Math.max(1, (end - start) >>> 5);
  for (let at = start; at < end; at += step) {
    sum = Math.imul(sum ^ (bytes[at] as number), 0x85ebca6b);
    sum ^= sum >>> 15;
  }
  return finish(sum);
}

/** Two hashes of the same values in one go, for those that need more bits than one has. */
export class WideHash {
  #a = SEED_A;
  #b = SEED_B;

  begin(): void {
    this.#a = SEED_A;
    this.#b = SEED_B;
  }

  take(event: Event, slot: number): void {
    const { bytes } = event;
    const end = event.valueEnd(slot);
    let at = event.valueStart(slot);
    let a = this.#a;
    let b = this.#b;
    for (; at < end; at += 4) {
      // Behind the end of the buffer there is nothing, which counts as zero.
      let four = bytes[at] as number;
      if (at + 4 <= end)
        four |=
          ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
      else for (let more = 1; at + more < end; more += 1) four |= (bytes[at + more] as number) << (8 * more);
      a = Math.imul(a ^ four, 0x85ebca6b);
      a ^= a >>> 15;
      b = Math.imul(b ^ four, 0x9e3779b1);
      b ^= b >>> 13;
    }
    this.#a = Math.imul(a ^ 0x100, 0xc2b2ae35);
    this.#b = Math.imul(b ^ 0x100, 0x27d4eb2f);
  }

  /** 53 bits, never 0. */
  end(): number {
    return finish(this.#b) * 0x20_0000 + (finish(this.#a) & 0x1f_ffff) + 1;
  }

  /** 32 of them. */
  get place(): number {
    return finish(this.#a);
  }
}

/** Behind the last value: all bits take part in the lower ones. */
export function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** The bytes of a value as a text of one character for each: a text of few characters costs less memory than a buffer. */
export function valueOf(event: Event, slot: number): string {
  const start = event.valueStart(slot);
  return start === -1 ? '' : event.bytes.toString('latin1', start, event.valueEnd(slot));
}

/** Whether `own`, from `at` on, holds the bytes of the value. */
export function holdsValue(own: string, at: number, event: Event, slot: number): boolean {
  const { bytes } = event;
  const start = event.valueStart(slot);
  const length = event.valueEnd(slot) - start;
  if (at + length > own.length) return false;
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    const differ =
      (own.charCodeAt(at + index) ^ (bytes[start + index] as number)) |
      (own.charCodeAt(at + index + 1) ^ (bytes[start + index + 1] as number)) |
      (own.charCodeAt(at + index + 2) ^ (bytes[start + index + 2] as number)) |
      (own.charCodeAt(at + index + 3) ^ (bytes[start + index + 3] as number));
    if (differ !== 0) return false;
  }
  for (; index < length; index += 1) if (own.charCodeAt(at + index) !== bytes[start + index]) return false;
  return true;
}
