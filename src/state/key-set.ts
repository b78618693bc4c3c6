import { hash } from 'node:crypto';

const WORDS = 3;
const START_SLOTS = 1024;

/**
 * A set of keys that holds 96 bits of each one's SHA-256 in a plain array: 24 to 48 bytes a key, whatever its length.
 * Two keys of a million fall together once in 10^17 sets.
 */
export class KeySet {
  /** Open addressing with linear probing, half full at most; a first word of 0 marks a free slot. */
  #slots = new Uint32Array(START_SLOTS * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    const words = digest(key);
    return this.#isAt(this.#find(words), words);
  }

  add(key: string): void {
    const words = digest(key);
    if (this.#isAt(this.#find(words), words)) return;
    if ((this.#size + 1) * 2 > this.#count) this.#grow();
    this.#slots.set(words, this.#find(words) * WORDS);
    this.#size += 1;
  }

  delete(key: string): void {
    const words = digest(key);
    let hole = this.#find(words);
    if (!this.#isAt(hole, words)) return;
    this.#size -= 1;
    // What stands behind moves up, unless that would put it before the slot where its search begins.
    for (let slot = this.#next(hole); this.#slots[slot * WORDS] !== 0; slot = this.#next(slot)) {
      const home = this.#home(this.#slots[slot * WORDS + 1] as number);
      const distance = (slot - home + this.#count) % this.#count;
      if (distance < (slot - hole + this.#count) % this.#count) continue;
      this.#slots.copyWithin(hole * WORDS, slot * WORDS, (slot + 1) * WORDS);
      hole = slot;
    }
    this.#slots.fill(0, hole * WORDS, (hole + 1) * WORDS);
  }

  get #count(): number {
    return this.#slots.length / WORDS;
  }

  #home(word: number): number {
    return word % this.#count;
  }

  #next(slot: number): number {
    return slot + 1 === this.#count ? 0 : slot + 1;
  }

  /** The slot of a key, or the free one where it would go. */
  #find(words: Uint32Array): number {
    let slot = this.#home(words[1] as number);
    while (this.#slots[slot * WORDS] !== 0 && !this.#isAt(slot, words)) slot = this.#next(slot);
    return slot;
  }

  #isAt(slot: number, words: Uint32Array): boolean {
    const at = slot * WORDS;
    return this.#slots[at] === words[0] && this.#slots[at + 1] === words[1] && this.#slots[at + 2] === words[2];
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const words = old.subarray(at, at + WORDS);
      if (words[0] !== 0) this.#slots.set(words, this.#find(words) * WORDS);
    }
  }
}

function digest(key: string): Uint32Array {
  const bytes = hash('sha256', key, 'buffer');
  return Uint32Array.of(bytes.readUInt32LE(0) || 1, bytes.readUInt32LE(4), bytes.readUInt32LE(8));
}
