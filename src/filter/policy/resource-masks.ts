import type { RequestAttributes } from './attributes.ts';
import { ByteTable } from './byte-table.ts';
import { isForResources, type PolicyRule } from './policy.ts';
import { addTo, has, type Mask, newMask, unite } from './rule-mask.ts';

/** The rules that name one resource of a group. */
interface OfResource {
  /** Those that hold for the resource itself: `pods`, `pods/*`. */
  readonly itself: Mask;
  /** Those that hold for each subresource of it: `pods/*`. */
  readonly anySubresource: Mask;
  /** `pods/log`. */
  readonly subresources: ByteTable<Mask>;
}

/** The rules that name one API group. */
interface OfGroup {
  /** Those that hold for all that is in it: the group without resources, or `*`. */
  readonly all: Mask;
  readonly resources: ByteTable<OfResource>;
  /** For subresources of whatever resource: `*` + `/scale`. */
  readonly subresources: ByteTable<Mask>;
}

/**
 * The rules that hold for a resource, but for the names of objects: a rule that asks for names is among them, and its
 * resources must be looked at once more.
 */
export class ResourceMasks {
  /** Rules that hold for every resource: they ask for none, or for nothing but a namespace. */
  readonly #all: Mask;
  readonly #groups: ByteTable<OfGroup>;
  readonly #named: Mask;

  constructor(rules: readonly PolicyRule[]) {
    this.#all = newMask(rules.length);
    this.#named = newMask(rules.length);
    const groups = new Map<string, GroupDraft>();
    for (const [index, rule] of rules.entries()) {
      const isForAll = rule.resources.length === 0 && (isForResources(rule) || rule.nonResourceURLs.length === 0);
      if (isForAll) addTo(this.#all, index);
      for (const { group, resources, resourceNames } of rule.resources) {
        const draft = entryOf(groups, group, () => new GroupDraft(rules.length));
        if (resources.length === 0) addTo(draft.all, index);
        for (const written of resources) draft.add(written, index);
        if (resources.length > 0 && resourceNames.length > 0) addTo(this.#named, index);
      }
    }
    this.#groups = new ByteTable([...groups].map(([group, draft]) => [group, draft.finish()]));
  }

  /** Whether the names of objects have still to be looked at for this rule. */
  needsName(rule: number): boolean {
    return has(this.#named, rule);
  }

  /** The result is in `union`, or is a mask not to be changed. */
  of({ apiGroup, resource, subresource }: RequestAttributes, union: Mask): Mask {
    const group = this.#groups.get(apiGroup.bytes, apiGroup.start, apiGroup.end);
    if (group === null) return this.#all;
    union.set(this.#all);
    unite(union, group.all);
    const own = group.resources.get(resource.bytes, resource.start, resource.end);
    if (subresource.isEmpty) {
      if (own !== null) unite(union, own.itself);
      return union;
    }
    const { bytes, start, end } = subresource;
    const everywhere = group.subresources.get(bytes, start, end);
    if (everywhere !== null) unite(union, everywhere);
    if (own === null) return union;
    unite(union, own.anySubresource);
    const exact = own.subresources.get(bytes, start, end);
    if (exact !== null) unite(union, exact);
    return union;
  }
}

class ResourceDraft {
  readonly itself: Mask;
  readonly anySubresource: Mask;
  readonly subresources = new Map<string, Mask>();

  constructor(rules: number) {
    this.itself = newMask(rules);
    this.anySubresource = newMask(rules);
  }
}

class GroupDraft {
  readonly all: Mask;
  readonly #rules: number;
  readonly #resources = new Map<string, ResourceDraft>();
  readonly #subresources = new Map<string, Mask>();

  constructor(rules: number) {
    this.#rules = rules;
    this.all = newMask(rules);
  }

  /**
   * One text of `resources`. It may match in several ways at once, as `*` + `/*` does a subresource that is really called
   * `*`; what has two slashes matches nothing, as no part of a path has one.
   */
  add(written: string, rule: number): void {
    if (written === '*') addTo(this.all, rule);
    const slash = written.indexOf('/');
    const resource = slash === -1 ? written : written.slice(0, slash);
    const subresource = slash === -1 ? '' : written.slice(slash + 1);
    const draft = entryOf(this.#resources, resource, () => new ResourceDraft(this.#rules));
    if (slash === -1) addTo(draft.itself, rule);
    else if (subresource !== '') addTo(this.#maskOf(draft.subresources, subresource), rule);
    if (subresource === '*') {
      addTo(draft.itself, rule);
      addTo(draft.anySubresource, rule);
    }
    if (resource === '*' && subresource !== '') addTo(this.#maskOf(this.#subresources, subresource), rule);
  }

  finish(): OfGroup {
    return {
      all: this.all,
      subresources: new ByteTable(this.#subresources),
      resources: new ByteTable(
        [...this.#resources].map(([resource, draft]) => [
          resource,
          { ...draft, subresources: new ByteTable(draft.subresources) },
        ]),
      ),
    };
  }

  #maskOf(masks: Map<string, Mask>, key: string): Mask {
    return entryOf(masks, key, () => newMask(this.#rules));
  }
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}
