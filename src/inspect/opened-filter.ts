import type { FilterConfig } from '../config/schema.ts';
import type { Event } from '../event/event.ts';
import { applySplices } from '../event/splice.ts';
import type { Scratch } from '../event/splice.ts';
import { messageOf } from '../errors.ts';
import { createFilter } from '../filter/create-filter.ts';
import { compileExpression } from '../filter/expression.ts';
import type { Filter } from '../filter/filter.ts';
import { createPolicyFilter } from '../filter/policy/policy-filter.ts';
import { readPolicyFile } from '../filter/policy/read-policy-file.ts';

/** What one rule says of one event, whatever the others say. */
export interface Trial {
  readonly rule: string;
  readonly kind: 'drop' | 'keep' | 'policy';
  /** `failed`: the expression could not be worked out on this event, which then counts for keeping it. */
  readonly answer: 'yes' | 'no' | 'failed';
  /** Why it failed, or what else there is to say. */
  readonly words?: string;
}

/** A filter that can be asked why. */
export interface OpenedFilter {
  /** Where it comes from, as a person named it. */
  readonly origin: string;
  readonly filter: Filter;
  /** The names that `decidedBy` can give. */
  readonly rules: readonly string[];
  /** The rules in the order in which they are tried, up to the one that decides. */
  tried(event: Event): readonly Trial[];
  /** The rule by which an event is delivered that no rule drops; null where it needs none. */
  deliveredBy(event: Event): string | null;
}

/** What becomes of an event. */
export interface Fate {
  readonly outcome: 'delivered' | 'dropped';
  /** The rule that drops it, or that delivers it where it needs one; null where no rule holds it back. */
  readonly rule: string | null;
  /** Bytes delivered: 0 where it is dropped. */
  readonly bytes: number;
}

/** What is not said is not done: a filter that is looked at alone redacts nothing of itself. */
const NOTHING_ELSE = {
  trim: { managedFields: false, paths: [] },
  redact: { enabled: false, paths: [] },
} satisfies Partial<FilterConfig>;

/**
 * The filter of an output, as the agent uses it, and beside it each of its rules alone. Only the throttle is left out:
 * what it lets through depends on all events before, and here events are asked about more than once.
 */
export function openFilter(
  origin: string,
  given: Pick<FilterConfig, 'keep' | 'drop'> & Partial<FilterConfig>,
): OpenedFilter {
  const config: FilterConfig = { ...NOTHING_ELSE, ...given, throttle: [] };
  const filter = createFilter(config);
  const policy = config.policy === undefined ? null : createPolicyFilter(readPolicyFile(config.policy));
  const steps = [
    ...config.drop.map(({ name, when }) => step('drop', name, when)),
    ...config.keep.map(({ name, when }) => step('keep', name, when)),
  ];
  return {
    origin,
    filter,
    rules: [...filter.rules, ...config.keep.map(({ name }) => name)],
    deliveredBy: (event) => steps.find(({ kind, ask }) => kind === 'keep' && ask(event).answer !== 'no')?.rule ?? null,
    tried(event) {
      const trials: Trial[] = [];
      if (policy !== null) {
        const { rule, level } = policy.decide(event);
        const name = rule === -1 ? 'policy[none]' : `policy[${rule}]`;
        trials.push({ rule: name, kind: 'policy', answer: rule === -1 ? 'no' : 'yes', words: `level ${level}` });
        if (policy.judge(event).type === 'drop') return trials;
      }
      for (const { kind, rule, ask } of steps) {
        const said = ask(event);
        trials.push({ kind, rule, ...said });
        if (said.answer === 'yes' || (kind === 'keep' && said.answer === 'failed')) break;
      }
      return trials;
    },
  };
}

type Said = Pick<Trial, 'answer' | 'words'>;

function step(kind: 'drop' | 'keep', rule: string, when: string) {
  const compiled = compileExpression(when);
  function ask(event: Event): Said {
    if (!compiled.ok) return { answer: 'failed', words: compiled.message };
    try {
      return { answer: compiled.holds(event) ? 'yes' : 'no' };
    } catch (error) {
      // The rest of it draws the expression as it was compiled, which nobody wrote.
      return { answer: 'failed', words: messageOf(error).split('\n', 1)[0] as string };
    }
  }
  return { kind, rule, ask };
}

/** What becomes of an event under a filter. */
export function fateOf(opened: OpenedFilter, event: Event): Fate {
  const { filter } = opened;
  const verdict = filter.judge(event);
  if (verdict.type === 'drop') return { outcome: 'dropped', rule: filter.rules[verdict.rule] ?? null, bytes: 0 };
  let bytes = event.end - event.start;
  if (verdict.type === 'edit') for (const cut of verdict.splices) bytes += cut.with.length - (cut.end - cut.start);
  return { outcome: 'delivered', rule: opened.deliveredBy(event), bytes };
}

/** The bytes that would be delivered, null where it is dropped; they hold until the scratch is used again. */
export function deliveredBytes({ filter }: OpenedFilter, event: Event, scratch: Scratch): Buffer | null {
  const verdict = filter.judge(event);
  if (verdict.type === 'drop') return null;
  if (verdict.type === 'pass') return event.bytes.subarray(event.start, event.end);
  const length = applySplices(event.bytes, event.start, event.end, verdict.splices, scratch);
  return scratch.bytes.subarray(0, length);
}
