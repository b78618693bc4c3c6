import type { Event } from '../../event/event.ts';
import { RequestAttributes, type Text } from './attributes.ts';
import { ByteTable } from './byte-table.ts';
import type { Policy, PolicyRule } from './policy.ts';
import { ResourceMasks } from './resource-masks.ts';
import { addTo, intersect, type Mask, meets, newMask, unite } from './rule-mask.ts';
import { UrlMasks } from './url-masks.ts';

/** The rules that hold for the values of one attribute. */
class ValueMasks {
  /** The rules that look at this attribute. */
  readonly asking: Mask;
  /** The rules that hold for a value that none of them names. */
  readonly others: Mask;
  readonly #named: ByteTable<Mask>;

  constructor(rules: readonly PolicyRule[], valuesOf: (rule: PolicyRule) => readonly string[]) {
    this.asking = newMask(rules.length);
    this.others = newMask(rules.length);
    const values = new Set(rules.flatMap(valuesOf));
    const named = new Map([...values].map((value) => [value, newMask(rules.length)]));
    for (const [index, rule] of rules.entries()) {
      const own = valuesOf(rule);
      addTo(own.length > 0 ? this.asking : this.others, index);
      for (const [value, mask] of named) if (own.length === 0 || own.includes(value)) addTo(mask, index);
    }
    this.#named = new ByteTable(named);
  }

  find({ bytes, start, end }: Text): Mask | null {
    return this.#named.get(bytes, start, end);
  }

  of(text: Text): Mask {
    return this.find(text) ?? this.others;
  }
}

/**
 * Finds the first rule of a policy that matches an event, exactly as k8s.io/apiserver/pkg/audit/policy/checker.go does:
 * each attribute takes away the rules that do not hold for it, and the first one left decides. What an event costs hardly
 * depends on how many rules there are.
 */
export class PolicyEvaluator {
  readonly #attributes = new RequestAttributes();
  readonly #rules: readonly PolicyRule[];
  readonly #open: Mask;
  readonly #union: Mask;
  readonly #users: ValueMasks;
  readonly #userGroups: ValueMasks;
  readonly #verbs: ValueMasks;
  readonly #namespaces: ValueMasks;
  readonly #resources: ResourceMasks;
  readonly #urls: UrlMasks;

  constructor({ rules }: Policy) {
    this.#rules = rules;
    this.#open = newMask(rules.length);
    this.#union = newMask(rules.length);
    this.#users = new ValueMasks(rules, ({ users }) => users);
    this.#userGroups = new ValueMasks(rules, ({ userGroups }) => userGroups);
    this.#verbs = new ValueMasks(rules, ({ verbs }) => verbs);
    this.#namespaces = new ValueMasks(rules, ({ namespaces }) => namespaces);
    this.#resources = new ResourceMasks(rules);
    this.#urls = new UrlMasks(rules);
  }

  /** The index of the first rule that matches, -1 if none does. */
  firstMatch(event: Event): number {
    const attributes = this.#attributes;
    const open = this.#open;
    attributes.read(event);
    open.set(this.#verbs.of(attributes.verb));
    if (attributes.isResourceRequest) {
      intersect(open, this.#resources.of(attributes, this.#union));
      if (meets(open, this.#namespaces.asking)) intersect(open, this.#namespaces.of(attributes.namespace));
    } else {
      intersect(open, this.#urls.of(attributes.path, this.#union));
    }
    if (meets(open, this.#users.asking)) {
      intersect(open, attributes.hasUser ? this.#users.of(attributes.user) : this.#users.others);
    }
    if (meets(open, this.#userGroups.asking)) intersect(open, this.#ofUserGroups());
    return this.#first();
  }

  #ofUserGroups(): Mask {
    const attributes = this.#attributes;
    const union = this.#union;
    union.set(this.#userGroups.others);
    attributes.rewindUserGroups();
    while (attributes.nextUserGroup()) {
      const mask = this.#userGroups.find(attributes.userGroup);
      if (mask !== null) unite(union, mask);
    }
    return union;
  }

  /** Names of resources are looked at last, and only of rules that all else leaves. */
  #first(): number {
    const open = this.#open;
    for (let word = 0; word < open.length; word += 1) {
      for (let bits = open[word] as number; bits !== 0; bits &= bits - 1) {
        const index = word * 32 + 31 - Math.clz32(bits & -bits);
        const rule = this.#rules[index] as PolicyRule;
        if (!this.#resources.needsName(index) || matchesByName(rule, this.#attributes)) return index;
      }
    }
    return -1;
  }
}

/** The resources of a rule in full, for one that names objects and whose other conditions hold. */
function matchesByName(rule: PolicyRule, attributes: RequestAttributes): boolean {
  const group = attributes.apiGroup.toString();
  const resource = attributes.resource.toString();
  const subresource = attributes.subresource.toString();
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const name = attributes.name.toString();
  return rule.resources.some((entry) => {
    if (entry.group !== group) return false;
    if (entry.resources.length === 0) return true;
    if (entry.resourceNames.length > 0 && !entry.resourceNames.includes(name)) return false;
    return entry.resources.some(
      (written) =>
        written === '*' ||
        written === combined ||
        (subresource !== '' && written === `*/${subresource}`) ||
        written === `${resource}/*`,
    );
  });
}
