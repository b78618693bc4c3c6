import { createHash } from 'node:crypto';
import type { AlertExceptConfig, AlertRuleConfig } from '../config/alert-rule-schema.ts';
import { SLOT } from '../event/field.ts';
import type { Event } from '../event/event.ts';
import { mentions } from './mentions.ts';
import { networks } from './network.ts';
import type { Kind, Rule, RuleTest, Test } from './rule.ts';
import { parseTemplate, type Template } from './template.ts';
import { isPlain, type ReadValue, readerOf, slotOf, VALUE_NAMES } from './value.ts';

/** Compiles a CEL expression: `compileConjuncts` of the filters. */
export type Compile = (
  text: string,
) =>
  | { readonly ok: true; readonly conjuncts: readonly (RuleTest & { readonly slots: ReadonlySet<number> })[] }
  | { readonly ok: false; readonly message: string; readonly column: number };

/** Something in a rule that has to be mended. */
export interface RuleProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Where a text goes wrong: counted from 0. */
  readonly pointer?: { readonly text: string; readonly offset: number };
  /** Names that might have been meant. */
  readonly known?: readonly string[];
}

/** What a summary can tell of the alert itself. */
export const ALERT_VALUES = ['count', 'distinct', 'window', 'rule', 'severity', 'duration', 'values'] as const;

/** Fields that may be large: names that a rule wants mentioned are looked for in those of them that its expression reads. */
const LARGE = [SLOT.requestObject, SLOT.responseObject, SLOT.annotations] as const;

/** Texts of the kinds: which one a rule says it is. */
const KINDS = ['each', 'threshold', 'firstSeen', 'silence', 'repeatedId', 'clockJump'] as const;

/** Compiles a rule, or says all that is wrong with it. */
export function compileRule(config: AlertRuleConfig, compile: Compile): Rule | readonly RuleProblem[] {
  const compiler = new RuleCompiler(config, compile);
  const rule = compiler.rule();
  return compiler.problems.length > 0 ? compiler.problems : rule;
}

class RuleCompiler {
  readonly problems: RuleProblem[] = [];
  readonly #config: AlertRuleConfig;
  readonly #compile: Compile;

  constructor(config: AlertRuleConfig, compile: Compile) {
    this.#config = config;
    this.#compile = compile;
  }

  rule(): Rule {
    const config = this.#config;
    const { threshold, firstSeen, repeatedId } = config;
    const kinds = KINDS.filter((kind) => config[kind] !== undefined);
    const [, second] = kinds;
    if (second !== undefined) this.#problem([second], `a rule is of one kind: it has ${kinds.join(' and ')}`);
    const kind = kindOf(config);
    const conjuncts = config.when === undefined ? [] : this.#expression(config.when, ['when']);
    const tests = [...conjuncts, ...this.#exceptions(config.except)];
    if (config.mentions !== undefined) {
      const slots = LARGE.filter((slot) => conjuncts.some((one) => one.slots.has(slot)));
      // Behind what only compares a few bytes, and before what reads bodies and annotations.
      tests.push({ holds: mentions(config.mentions, slots), fails: false, slots: null });
    }
    const groupBy = kind.type === 'silence' || kind.type === 'clockJump' ? [] : config.groupBy;
    const group = groupBy.map((name, at) => ({ name, read: this.#field(name, ['groupBy', at]) }));
    const summary = this.#template(config.summary);
    const shown = summary.names
      .filter((name) => !(ALERT_VALUES as readonly string[]).includes(name))
      .map((name) => ({ name, read: this.#field(name, ['summary']) }));
    const value = [
      ...(threshold?.distinct === undefined ? [] : [this.#field(threshold.distinct, ['threshold', 'distinct'])]),
      ...(firstSeen?.of ?? []).map((name, at) => this.#field(name, ['firstSeen', 'of', at])),
      ...(repeatedId === undefined ? [] : [readerOf(repeatedId.of) ?? (() => '')]),
    ];
    const repeated =
      repeatedId === undefined
        ? null
        : {
            of: this.#slot(repeatedId.of, ['repeatedId', 'of']),
            by: repeatedId.by.map((name, at) => this.#slot(name, ['repeatedId', 'by', at])),
          };
    return {
      name: config.name,
      hash: hashOf([kind, groupBy, threshold?.distinct, firstSeen?.of, repeatedId]),
      kind,
      config,
      stages: new Set(config.stages),
      verbs: config.verbs === undefined ? null : new Set(config.verbs),
      resource: config.resources === undefined ? null : resourceTest(config.resources),
      tests: tests.toSorted((a, b) => costOf(a) - costOf(b)),
      group,
      value,
      plain: [...groupBy, ...(firstSeen?.of ?? []), threshold?.distinct ?? 'verb'].every(isPlain),
      repeated,
      summary,
      shown,
    };
  }

  #expression(text: string, path: RuleProblem['path']) {
    const compiled = this.#compile(text);
    if (compiled.ok) return compiled.conjuncts;
    this.problems.push({ path, message: compiled.message, pointer: { text, offset: compiled.column } });
    return [];
  }

  #exceptions(except: AlertExceptConfig | undefined): readonly RuleTest[] {
    if (except === undefined) return [];
    const { users = [], groups = [], namespaces = [], userAgents = [], networks: nets = [], when } = except;
    const tests: RuleTest[] = [];
    const add = (slots: readonly number[], holds: Test) => tests.push({ holds, fails: false, slots: new Set(slots) });
    const text = (patterns: readonly string[], slot: number) => {
      if (patterns.length === 0) return;
      const matches = wildcards(patterns);
      add([slot], (event) => !matches(event.text(slot)));
    };
    text(users, SLOT['user.username']);
    text(namespaces, SLOT['objectRef.namespace']);
    text(userAgents, SLOT.userAgent);
    if (groups.length > 0) {
      const matches = wildcards(groups);
      add([SLOT['user.groups']], (event) => !event.list(SLOT['user.groups']).some(matches));
    }
    if (nets.length > 0) {
      const inside = networks(nets);
      if (inside === null) this.#problem(['except', 'networks'], 'holds what is no network, such as 10.0.0.0/8');
      else {
        // The first addresses are what the client says of itself: all of them have to be inside.
        add([SLOT.sourceIPs], (event) => {
          const addresses = event.list(SLOT.sourceIPs);
          return addresses.length === 0 || !addresses.every(inside);
        });
      }
    }
    if (when !== undefined) {
      const conjuncts = this.#expression(when, ['except', 'when']);
      const slots = conjuncts.flatMap((one) => [...one.slots]);
      add(slots, (event) => !conjuncts.every(({ holds }) => holdsSurely(holds, event)));
    }
    return tests;
  }

  #field(name: string, path: RuleProblem['path']): ReadValue {
    const read = readerOf(name);
    if (read !== null) return read;
    const known = path[0] === 'summary' ? [...VALUE_NAMES, ...ALERT_VALUES] : VALUE_NAMES;
    this.problems.push({ path, message: `there is no field ${JSON.stringify(name)}`, known });
    return () => '';
  }

  #slot(name: string, path: RuleProblem['path']): number {
    const slot = slotOf(name);
    if (slot !== null) return slot;
    if (readerOf(name) === null) this.#field(name, path);
    else this.#problem(path, `${name} is no text field of the event as it stands there`);
    return SLOT.auditID;
  }

  #template(text: string): Template {
    const parsed = parseTemplate(text);
    if (!('problem' in parsed)) return parsed;
    this.problems.push({ path: ['summary'], message: parsed.problem, pointer: { text, offset: parsed.column } });
    return { pieces: [], names: [] };
  }

  #problem(path: RuleProblem['path'], message: string): void {
    this.problems.push({ path, message });
  }
}

function kindOf({ threshold, firstSeen, silence, repeatedId, clockJump }: AlertRuleConfig): Kind {
  if (threshold !== undefined) {
    const { count, window: windowMs, distinct } = threshold;
    return { type: distinct === undefined ? 'count' : 'distinct', count, windowMs };
  }
  if (firstSeen !== undefined) {
    return { type: 'firstSeen', learnMs: firstSeen.learn, learnNew: firstSeen.learnNew };
  }
  if (silence !== undefined) return { type: 'silence', forMs: silence.for };
  if (repeatedId !== undefined) return { type: 'repeatedId' };
  if (clockJump !== undefined) return { type: 'clockJump', forwardMs: clockJump.forward, backMs: clockJump.back };
  return { type: 'each' };
}

/** Reading bodies and annotations costs more than comparing a few bytes, and cel-js costs most. */
function costOf({ fails, slots }: RuleTest): number {
  if (fails) return 2;
  return slots !== null && LARGE.some((slot) => slots.has(slot)) ? 1 : 0;
}

/** An exception that fails on an event excepts nothing. */
function holdsSurely(test: Test, event: Event): boolean {
  try {
    return test(event);
  } catch {
    return false;
  }
}

/** `*` stands for any text, in time linear in the text for each of the patterns. */
export function wildcards(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const others = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'));
  return (text) => exact.has(text) || others.some((parts) => matchesParts(text, parts));
}

function matchesParts(text: string, parts: readonly string[]): boolean {
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

function resourceTest(names: readonly string[]): (name: string) => boolean {
  return wildcards(names);
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}
