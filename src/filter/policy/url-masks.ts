import type { Text } from './attributes.ts';
import { ByteTable, startsWith } from './byte-table.ts';
import { isForResources, type PolicyRule } from './policy.ts';
import { addTo, type Mask, newMask, unite } from './rule-mask.ts';

/** The rules that hold for a path that is no resource's. */
export class UrlMasks {
  readonly #all: Mask;
  readonly #exact: ByteTable<Mask>;
  readonly #prefixes: readonly { readonly prefix: Buffer; readonly mask: Mask }[];

  constructor(rules: readonly PolicyRule[]) {
    this.#all = newMask(rules.length);
    const exact = new Map<string, Mask>();
    const prefixes = new Map<string, Mask>();
    for (const [index, rule] of rules.entries()) {
      if (isForResources(rule)) continue;
      if (rule.nonResourceURLs.length === 0 || rule.nonResourceURLs.includes('*')) addTo(this.#all, index);
      for (const url of rule.nonResourceURLs) {
        const isPrefix = url.endsWith('*');
        const masks = isPrefix ? prefixes : exact;
        const key = isPrefix ? url.slice(0, -1) : url;
        const mask = masks.get(key) ?? newMask(rules.length);
        masks.set(key, mask);
        addTo(mask, index);
      }
    }
    // A path that ends in `*` matches itself, too; so does its prefix, and that holds for all that it matches.
    this.#exact = new ByteTable(exact);
    this.#prefixes = [...prefixes].map(([prefix, mask]) => ({ prefix: Buffer.from(prefix), mask }));
  }

  /** The result is in `union`, or is a mask not to be changed. */
  of({ bytes, start, end }: Text, union: Mask): Mask {
    union.set(this.#all);
    const exact = this.#exact.get(bytes, start, end);
    if (exact !== null) unite(union, exact);
    for (const { prefix, mask } of this.#prefixes) if (startsWith(prefix, bytes, start, end)) unite(union, mask);
    return union;
  }
}
