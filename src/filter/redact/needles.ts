const FOUND = 1;
const START = 0;
const BYTES = 256;

/**
 * Looks for any of some words in bytes, in one pass and whatever their case: an automaton with one step a byte (Aho and
 * Corasick). Each needle is a row of sets of characters that may stand there: `['%', '4567']`.
 */
export class Needles {
  /** For each state and byte the next state. */
  readonly #next: Uint8Array;

  constructor(needles: readonly (readonly string[])[]) {
    const words = needles.flatMap(spell);
    const states = ['', ...prefixesOf(words)];
    const stateOf = (text: string): number => {
      if (words.some((word) => text.endsWith(word))) return FOUND;
      const known = states.indexOf(text);
      if (known > 0) return known + 1;
      return text === '' ? START : stateOf(text.slice(1));
    };
    if (states.length >= BYTES) throw new Error('too many needles for a byte');
    this.#next = new Uint8Array((states.length + 1) * BYTES);
    for (let byte = 0; byte < BYTES; byte += 1) {
      const letter = String.fromCharCode(byte).toLowerCase();
      this.#next[FOUND * BYTES + byte] = FOUND;
      if (!words.some((word) => word.includes(letter))) continue;
      for (const [at, text] of states.entries()) {
        this.#next[(at === 0 ? START : at + 1) * BYTES + byte] = stateOf(text + letter);
      }
    }
  }

  /** Whether one of them stands in `[start, end)`. */
  standIn(bytes: Buffer, start: number, end: number): boolean {
    const next = this.#next;
    let state = START;
    for (let at = start; at < end; at += 1) state = next[state * BYTES + (bytes[at] as number)] as number;
    return state === FOUND;
  }

  /** The same of a text from `start` on: no needle holds anything but ASCII. */
  standInText(text: string, start = 0): boolean {
    const next = this.#next;
    let state = START;
    for (let at = start; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code < 0x80) state = next[state * BYTES + code] as number;
      else if (state !== FOUND) state = START;
    }
    return state === FOUND;
  }
}

/** All that a row of sets stands for, in lower case. */
function spell(sets: readonly string[]): readonly string[] {
  return sets.reduce<readonly string[]>(
    (words, set) => words.flatMap((word) => [...set.toLowerCase()].map((letter) => word + letter)),
    [''],
  );
}

/** The beginnings of words, without the words themselves. */
function prefixesOf(words: readonly string[]): readonly string[] {
  return [...new Set(words.flatMap((word) => Array.from(word, (_, at) => word.slice(0, at)).slice(1)))];
}
