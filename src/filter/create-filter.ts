import { createHash } from 'node:crypto';
import type { FilterConfig } from '../config/schema.ts';
import { AuditailError } from '../errors.ts';
import type { Event } from '../event/event.ts';
import { compileRule, createConditions } from './conditions.ts';
import { Edits } from './edits.ts';
import type { Filter, ThrottleMemory, Verdict } from './filter.ts';
import type { Policy } from './policy/policy.ts';
import { createPolicyFilter } from './policy/policy-filter.ts';
import { readPolicyFile } from './policy/read-policy-file.ts';
import { createRedactor } from './redact/redactor.ts';
import { createThrottle, type ThrottleRule } from './throttle/throttle.ts';
import { type FieldPath, parsePath } from './trim/field-path.ts';
import { createTrimmer } from './trim/trimmer.ts';

const PASS: Verdict = { type: 'pass' };

/** A filter that has been read and checked whole; made anew for each pipeline, since some of its steps remember. */
export interface PreparedFilter {
  /** `Filter.hash` of what it makes. */
  readonly hash: string;
  create(): Filter;
}

/** @throws {AuditailError} AUD_CONFIG where a file, an expression or a path is not sound */
export function createFilter(config: FilterConfig): Filter {
  return prepareFilter(config).create();
}

/**
 * Reads all that a filter is made of, once: what `create` makes does not change with the files.
 *
 * @throws {AuditailError} AUD_CONFIG where a file, an expression or a path is not sound
 */
export function prepareFilter(config: FilterConfig): PreparedFilter {
  const policy = config.policy === undefined ? null : readPolicyFile(config.policy);
  const { hash } = build(config, policy);
  return { hash, create: () => build(config, policy) };
}

/**
 * The filter of one output. The steps, always in this order: the policy, `drop` and `keep`, the throttle; then, of what
 * is let through, the policy's lower level, `trim` and `redact`. All of them see the event as it was recorded.
 */
function build(config: FilterConfig, read: Policy | null): Filter {
  const policy = read === null ? null : createPolicyFilter(read);
  const conditions = createConditions(config);
  const throttle = createThrottle(config.throttle.map(throttleRule));
  const trimmer = createTrimmer({ ...config.trim, paths: config.trim.paths.map(memberPath) });
  const redactor = createRedactor({ ...config.redact, paths: config.redact.paths.map(fieldPath) });
  const rules = [...(policy?.rules ?? []), ...conditions.rules, ...throttle.rules];
  const drops = rules.map((_, rule): Verdict => ({ type: 'drop', rule }));
  const firstCondition = policy?.rules.length ?? 0;
  const firstThrottle = firstCondition + conditions.rules.length;
  const edits = new Edits();

  const hasThrottle = throttle.rules.length > 0;

  function throttledBy(event: Event, memory: ThrottleMemory | undefined): number {
    const answer = memory?.recall() ?? throttle.check(event);
    memory?.note(answer);
    return answer;
  }

  function change(event: Event, lowered: Verdict): Verdict {
    if (lowered.type === 'edit')
      for (const { start, end, with: by } of lowered.splices) edits.replace(start, end, by, null);
    trimmer.find(event, edits);
    redactor.find(event, edits);
    const splices = edits.take(event);
    return splices === null ? PASS : { type: 'edit', splices };
  }

  return {
    hash: hashOf([policy?.hash ?? 'none', conditions.hash, throttle.hash, trimmer.hash, redactor.hash]),
    rules,
    failures: () => conditions.failures() + throttle.failures(),
    judge(event, memory) {
      const lowered = policy?.judge(event) ?? PASS;
      if (lowered.type === 'drop') return lowered;
      const verdict = conditions.judge(event);
      if (verdict.type === 'drop') return drops[firstCondition + verdict.rule] as Verdict;
      const throttled = hasThrottle ? throttledBy(event, memory) : -1;
      if (throttled !== -1) return drops[firstThrottle + throttled] as Verdict;
      return change(event, lowered);
    },
  };
}

function throttleRule({ name, when, key, qps, burst }: FilterConfig['throttle'][number]): ThrottleRule {
  const holds = when === undefined ? {} : { when: { text: when, holds: compileRule({ name, when }) } };
  return { name, key, qps, burst, ...holds };
}

function fieldPath(text: string): FieldPath {
  const parsed = parsePath(text);
  if (parsed.ok) return parsed.path;
  throw new AuditailError('AUD_CONFIG', `the path ${text}: ${parsed.message}`, {
    hint: 'Paths are written as in docs/filters.md: requestObject.spec.containers[].env[].value',
  });
}

/** A path to members: the elements of an array have no names to be left out by. */
function memberPath(text: string): FieldPath {
  const path = fieldPath(text);
  if (path.steps.at(-1)?.type !== 'each') return path;
  throw new AuditailError('AUD_CONFIG', `the path ${text} to trim ends in []`, {
    hint: 'Name the array itself, without [], or a member of its elements.',
  });
}

function hashOf(hashes: readonly string[]): string {
  if (hashes.every((hash) => hash === 'none')) return 'none';
  return createHash('sha256').update(hashes.join('\n')).digest('hex').slice(0, 16);
}
