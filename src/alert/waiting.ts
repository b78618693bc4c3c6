/** More are not counted: what a crash of a receiver or a file that is written anew leaves here is forgotten some day. */
const MAX_GROUPS = 16_384;

interface Group {
  count: number;
  fresh: number;
  shownMs: number;
}

/** The matches of each group that have been found, and wait to be taken. */
export class Waiting {
  readonly #rules = new Map<string, Map<string, Group>>();
  #groups = 0;

  /** How many of them may add to what is counted. */
  count(rule: string, group: string): number {
    return this.#rules.get(rule)?.get(group)?.fresh ?? 0;
  }

  /** Time of the last one that an alert can show; 0 where there is none. */
  shownMs(rule: string, group: string): number {
    return this.#rules.get(rule)?.get(group)?.shownMs ?? 0;
  }

  /** `shownMs` is the time of one that an alert can show, 0 for another; `isFresh` whether it may add to what is counted. */
  add(rule: string, group: string, shownMs: number, isFresh: boolean): void {
    const known = this.#rules.get(rule)?.get(group);
    if (known === undefined) {
      this.#begin(rule, group, { count: 1, fresh: isFresh ? 1 : 0, shownMs });
      return;
    }
    known.count += 1;
    if (isFresh) known.fresh += 1;
    known.shownMs = shownMs || known.shownMs;
  }

  /** `added` says whether it has added to what is counted. */
  remove(rule: string, group: string, added: boolean): void {
    const groups = this.#rules.get(rule);
    const known = groups?.get(group);
    if (groups === undefined || known === undefined) return;
    known.count -= 1;
    if (added && known.fresh > 0) known.fresh -= 1;
    if (known.count > 0) return;
    groups.delete(group);
    this.#groups -= 1;
  }

  #begin(rule: string, key: string, group: Group): void {
    if (this.#groups >= MAX_GROUPS) {
      this.#rules.clear();
      this.#groups = 0;
    }
    let groups = this.#rules.get(rule);
    if (groups === undefined) {
      groups = new Map();
      this.#rules.set(rule, groups);
    }
    groups.set(key, group);
    this.#groups += 1;
  }
}
