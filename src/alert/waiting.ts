/** More are not counted: what a crash of a receiver or a file that is written anew leaves here is forgotten some day. */
const MAX_GROUPS = 16_384;

/** How many matches of each group have been found, and wait to be taken. */
export class Waiting {
  readonly #counts = new Map<string, number>();

  count(rule: string, group: string): number {
    return this.#counts.get(nameOf(rule, group)) ?? 0;
  }

  add(rule: string, group: string): void {
    const name = nameOf(rule, group);
    if (this.#counts.size >= MAX_GROUPS) this.#counts.clear();
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  remove(rule: string, group: string): void {
    const name = nameOf(rule, group);
    const left = (this.#counts.get(name) ?? 0) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}

function nameOf(rule: string, group: string): string {
  return `${rule}\u0000${group}`;
}
