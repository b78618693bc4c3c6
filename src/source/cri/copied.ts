import type { Place, PlaceMark } from '../../log/cursor.ts';
import type { Remembered } from '../../log/log.ts';

/** By so many marks a place is known again, and of so many files that are gone. */
const MARKS = 8;
const GONE = 64;

/** What has been copied of each file for certain; the places of the cursor that reads them run ahead of it. */
export class Copied {
  readonly #places = new Map<string, Place>();
  readonly #ended: string[] = [];

  get places(): readonly (readonly [id: string, place: Place])[] {
    return [...this.#places];
  }

  /** For a cursor to begin with, and to move. */
  forCursor(): Map<string, Place> {
    return new Map(this.places.map(([id, place]) => [id, { ...place }]));
  }

  set(id: string, place: Place): void {
    this.#places.set(id, place);
  }

  /** Copied up to a mark. */
  reached(id: string, mark: PlaceMark): void {
    const marks = [...this.#marksOf(id).filter(({ offset }) => offset < mark.offset), mark].slice(-MARKS);
    this.#places.set(id, { offset: mark.offset, done: false, marks });
  }

  /** Copied to its end. */
  ended(id: string, length: number): void {
    this.#places.set(id, { offset: length, done: true, marks: this.#marksOf(id) });
    this.#ended.push(id);
  }

  remembered(id: string): readonly Remembered[] {
    return this.places
      .filter(([own]) => own === id || own.startsWith(`${id}-`))
      .map(([own, { offset, done, marks }]) => ({ id: own, settled: offset, done, marks }));
  }

  /** Forgets the oldest of those that are done and not there any more. */
  forget(present: ReadonlySet<string>): void {
    for (const id of this.#ended.splice(0, Math.max(0, this.#ended.length - GONE))) {
      if (!present.has(id)) this.#places.delete(id);
    }
  }

  #marksOf(id: string): Place['marks'] {
    return this.#places.get(id)?.marks ?? [];
  }
}
