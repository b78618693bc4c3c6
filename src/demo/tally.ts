import { contentId } from './content.ts';

/** What one endpoint has stored, counted by distinct content. */
export class Tally {
  readonly #copies = new Map<string, number>();
  #stored = 0;

  /** Notes one stored event. Returns whether its content is new. */
  store(event: Buffer): boolean {
    const id = contentId(event);
    const before = this.#copies.get(id) ?? 0;
    this.#copies.set(id, before + 1);
    this.#stored += 1;
    return before === 0;
  }

  /** Events stored, every copy counted. */
  get stored(): number {
    return this.#stored;
  }

  /** Different events stored. */
  get distinct(): number {
    return this.#copies.size;
  }

  /** Events stored although they had been before. */
  get repeated(): number {
    return this.#stored - this.#copies.size;
  }

  has(event: Buffer | string): boolean {
    return this.#copies.has(contentId(typeof event === 'string' ? Buffer.from(event) : event));
  }

  /** Holds the tally against the content ids of what was written. */
  against(written: ReadonlySet<string>): Balance {
    const missing = [...written].filter((id) => !this.#copies.has(id));
    const foreign = [...this.#copies.keys()].filter((id) => !written.has(id));
    return { missing, foreign, repeated: this.repeated };
  }
}

export interface Balance {
  /** Content ids that were written and not stored. */
  readonly missing: readonly string[];
  /** Content ids that were stored and not written: an event was changed on its way. */
  readonly foreign: readonly string[];
  /** Copies of events that had been stored before. */
  readonly repeated: number;
}
