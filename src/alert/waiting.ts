/** More are not counted: what a crash of a receiver or a file that is written anew leaves here is forgotten some day. */
const MAX_GROUPS = 16_384;

/** The matches of each group that have been found, and wait to be taken. */
export class Waiting {
  readonly #groups = new Map<string, { count: number; fresh: number; shownMs: number }>();

  /** How many of them may add to what is counted. */
  count(rule: string, group: string): number {
    return this.#groups.get(nameOf(rule, group))?.fresh ?? 0;
  }

  /** Time of the last one that an alert can show; 0 where there is none. */
  shownMs(rule: string, group: string): number {
    return this.#groups.get(nameOf(rule, group))?.shownMs ?? 0;
  }

  /** `shownMs` is the time of one that an alert can show, 0 for another; `isFresh` whether it may add to what is counted. */
  add(rule: string, group: string, shownMs: number, isFresh: boolean): void {
    const name = nameOf(rule, group);
    const known = this.#groups.get(name);
    if (known === undefined) {
      if (this.#groups.size >= MAX_GROUPS) this.#groups.clear();
      this.#groups.set(name, { count: 1, fresh: isFresh ? 1 : 0, shownMs });
      return;
    }
    known.count += 1;
    if (isFresh) known.fresh += 1;
    known.shownMs = shownMs || known.shownMs;
  }

  /** `added` says whether it has added to what is counted. */
  remove(rule: string, group: string, added: boolean): void {
    const name = nameOf(rule, group);
    const known = this.#groups.get(name);
    if (known === undefined) return;
    known.count -= 1;
    if (added && known.fresh > 0) known.fresh -= 1;
    if (known.count === 0) this.#groups.delete(name);
  }
}

function nameOf(rule: string, group: string): string {
  return `${rule}\u0000${group}`;
}
