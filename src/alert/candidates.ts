import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import type { Rule, RuleTest } from './rule.ts';
import { finish, hashValue, holdsValue, SEED_A, valueOf } from './value-bytes.ts';

/** A rule that an event may match, and what is still to be asked of it. */
export interface Candidate {
  readonly rule: Rule;
  readonly tests: readonly RuleTest[];
}

/** What every rule may ask of. */
const ALWAYS = [SLOT.stage, SLOT.verb, SLOT['objectRef.resource'], SLOT['objectRef.subresource']];
/** Fields that have few values in a cluster, and decide most of what rules ask: those of them belong to the key that some rule asks of. */
const SOMETIMES = [SLOT['responseStatus.code'], SLOT['user.username'], SLOT['impersonatedUser.username']];
const KEY_SLOTS: ReadonlySet<number> = new Set([...ALWAYS, ...SOMETIMES]);

/** Clients choose verbs, resources and names of their own: what is remembered of them is bounded. */
const MAX_KEYS = 8192;
const MAX_KEY_LENGTH = 512;
/** Places for those that were asked for last, a power of two. */
const RECENT = 512;

interface Remembered {
  /** The values of the key as they stand in the line, one behind the other with a zero, which JSON cannot hold, between. */
  readonly key: string;
  readonly candidates: readonly Candidate[];
}

/**
 * Which rules an event may match. All that rules ask of the fields of the key is asked once for all events that have the
 * same bytes there; no event is decoded for that.
 */
export class Candidates {
  readonly #rules: readonly Rule[];
  readonly #key: readonly number[];
  #known = new Map<number, Remembered>();
  /** Those that were known before the last MAX_KEYS came: what is still in use comes back from there. */
  #older = new Map<number, Remembered>();
  readonly #recent: (Remembered | undefined)[] = Array.from({ length: RECENT });

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    const asked = rules.flatMap(({ tests }) => tests.filter(isDecidedByKey).flatMap(({ slots }) => [...(slots ?? [])]));
    this.#key = [...ALWAYS, ...SOMETIMES.filter((slot) => asked.includes(slot))];
  }

  of(event: Event): readonly Candidate[] {
    let hash = SEED_A;
    for (let at = 0; at < this.#key.length; at += 1) hash = hashValue(event, this.#key[at] as number, hash);
    // Signed, as it is a small number to V8 then, and quick to look up.
    hash = finish(hash) | 0;
    const place = hash & (RECENT - 1);
    const recent = this.#recent[place];
    if (recent !== undefined && isOf(recent, this.#key, event)) return recent.candidates;
    const known = this.#known.get(hash);
    const remembered = known !== undefined && isOf(known, this.#key, event) ? known : this.#remember(hash, event);
    if (remembered.key.length <= MAX_KEY_LENGTH) this.#recent[place] = remembered;
    return remembered.candidates;
  }

  #remember(hash: number, event: Event): Remembered {
    const older = this.#older.get(hash);
    const isKnown = older !== undefined && isOf(older, this.#key, event);
    const remembered = isKnown ? older : { key: keyOf(this.#key, event), candidates: this.#find(event) };
    if (remembered.key.length > MAX_KEY_LENGTH) return remembered;
    if (this.#known.size >= MAX_KEYS) {
      this.#older = this.#known;
      this.#known = new Map();
    }
    this.#known.set(hash, remembered);
    return remembered;
  }

  #find(event: Event): readonly Candidate[] {
    const stage = event.text(SLOT.stage);
    const verb = event.text(SLOT.verb);
    const resource = event.text(SLOT['objectRef.resource']);
    const subresource = event.text(SLOT['objectRef.subresource']);
    const name = subresource === '' ? resource : `${resource}/${subresource}`;
    return this.#rules.flatMap((rule) => {
      const looks = rule.stages.has(stage) && (rule.verbs?.has(verb) ?? true) && (rule.resource?.(name) ?? true);
      if (!looks || rule.tests.some((test) => isDecidedByKey(test) && !test.holds(event))) return [];
      return [{ rule, tests: rule.tests.filter((test) => !isDecidedByKey(test)) }];
    });
  }
}

function isDecidedByKey({ slots, fails }: RuleTest): boolean {
  return slots !== null && !fails && [...slots].every((slot) => KEY_SLOTS.has(slot));
}

function isOf({ key }: Remembered, slots: readonly number[], event: Event): boolean {
  let at = 0;
  for (let index = 0; index < slots.length; index += 1) {
    const slot = slots[index] as number;
    if (!holdsValue(key, at, event, slot)) return false;
    at += event.valueEnd(slot) - event.valueStart(slot);
    if (key.charCodeAt(at) !== 0) return false;
    at += 1;
  }
  return at === key.length;
}

function keyOf(slots: readonly number[], event: Event): string {
  return slots.map((slot) => `${valueOf(event, slot)}\u0000`).join('');
}
