import { createHash } from 'node:crypto';
import type { AlertExceptConfig, AlertRuleConfig } from '../config/alert-rule-schema.ts';
import { SLOT } from '../event/field.ts';
import type { Event } from '../event/event.ts';
import { mentions } from './mentions.ts';
import { networks } from './network.ts';
import type { Kind, Rule, Test } from './rule.ts';
import { parseTemplate, type Template } from './template.ts';
import { type ReadValue, readerOf, VALUE_NAMES } from './value.ts';

/** Compiles a CEL expression: `compileExpression` of the filters. */
export type Compile = (
  text: string,
) =>
  | { readonly ok: true; readonly holds: Test }
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
    const tests = [
      ...(config.mentions === undefined ? [] : [mentions(config.mentions)]),
      ...(config.when === undefined ? [] : [this.#expression(config.when, ['when'])]),
      ...this.#exceptions(config.except),
    ];
    const [first] = tests;
    const holds: Test =
      tests.length === 1 && first !== undefined ? first : (event) => tests.every((test) => test(event));
    const groupBy = kind.type === 'silence' || kind.type === 'clockJump' ? [] : config.groupBy;
    const group = groupBy.map((name, at) => ({ name, read: this.#field(name, ['groupBy', at]) }));
    const summary = this.#template(config.summary);
    const shown = summary.names
      .filter((name) => !(ALERT_VALUES as readonly string[]).includes(name))
      .map((name) => ({ name, read: this.#field(name, ['summary']) }));
    const value = [
      ...(threshold?.distinct === undefined ? [] : [this.#field(threshold.distinct, ['threshold', 'distinct'])]),
      ...(firstSeen?.of ?? []).map((name, at) => this.#field(name, ['firstSeen', 'of', at])),
      ...(repeatedId === undefined ? [] : [this.#field(repeatedId.of, ['repeatedId', 'of'])]),
    ];
    const by = (repeatedId?.by ?? []).map((name, at) => this.#field(name, ['repeatedId', 'by', at]));
    return {
      name: config.name,
      hash: hashOf([kind, groupBy, threshold?.distinct, firstSeen?.of, repeatedId]),
      kind,
      config,
      stages: new Set(config.stages),
      verbs: config.verbs === undefined ? null : new Set(config.verbs),
      resource: config.resources === undefined ? null : resourceTest(config.resources),
      holds,
      group,
      value,
      by,
      summary,
      shown,
    };
  }

  #expression(text: string, path: RuleProblem['path']): Test {
    const compiled = this.#compile(text);
    if (compiled.ok) return compiled.holds;
    this.problems.push({ path, message: compiled.message, pointer: { text, offset: compiled.column } });
    return () => false;
  }

  #exceptions(except: AlertExceptConfig | undefined): readonly Test[] {
    if (except === undefined) return [];
    const { users = [], groups = [], namespaces = [], userAgents = [], networks: nets = [], when } = except;
    const tests: Test[] = [];
    const text = (patterns: readonly string[], slot: number) => {
      if (patterns.length === 0) return;
      const matches = wildcards(patterns);
      tests.push((event) => !matches(event.text(slot)));
    };
    text(users, SLOT['user.username']);
    text(namespaces, SLOT['objectRef.namespace']);
    text(userAgents, SLOT.userAgent);
    if (groups.length > 0) {
      const matches = wildcards(groups);
      tests.push((event) => !event.list(SLOT['user.groups']).some(matches));
    }
    if (nets.length > 0) {
      const inside = networks(nets);
      if (inside === null) this.#problem(['except', 'networks'], 'holds what is no network, such as 10.0.0.0/8');
      else {
        // The first addresses are what the client says of itself: all of them have to be inside.
        tests.push((event) => {
          const addresses = event.list(SLOT.sourceIPs);
          return addresses.length === 0 || !addresses.every(inside);
        });
      }
    }
    if (when !== undefined) {
      const holds = this.#expression(when, ['except', 'when']);
      tests.push((event) => !failsTo(holds, event, false));
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

/** An exception that fails on an event excepts nothing. */
export function failsTo(test: Test, event: Event, otherwise: boolean): boolean {
  try {
    return test(event);
  } catch {
    return otherwise;
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
