import * as z from 'zod';
import { BYTES, BYTE_UNITS, parseBytes } from './quantity.ts';

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

// The texts of these go to editors as JSON Schema patterns.
const DURATION_MS = /^\s*(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+\s*$/;
const PERCENTAGE = /^\s*\d{1,2}(?:\.\d+)?%\s*$/;

/** Milliseconds of a duration (`250ms`, `1s`, `1m30s`, `7d`), or `undefined` where it is none. */
export function parseDurationMs(text: string): number | undefined {
  if (!DURATION_MS.test(text)) return undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(number) * (DURATION_UNITS_MS[unit as string] as number);
  }
  return Math.round(total);
}

/** The shortest exact way to write a number of bytes as a quantity: `4Mi`, `500k`, `1048577`. */
export function formatBytes(count: number): string {
  let shortest = String(count);
  for (const [unit, size] of Object.entries(BYTE_UNITS)) {
    const text = `${count / size}${unit}`;
    if (count >= size && count % size === 0 && text.length < shortest.length) shortest = text;
  }
  return shortest;
}

/** An exact way to write a whole number of milliseconds as a duration: `1s`, `1m30s`, `250ms`. */
export function formatDurationMs(ms: number): string {
  let rest = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = DURATION_UNITS_MS[unit] as number;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}

interface Limits {
  readonly min?: number;
  readonly max?: number;
}

/** How a quantity is read, written and named. */
interface Unit {
  readonly title: string;
  readonly parse: (text: string) => number | undefined;
  readonly format: (value: number) => string;
  /** Whether a bare number in the YAML file is one. */
  readonly bareNumbers: boolean;
  readonly expected: string;
  readonly pattern: string;
}

const SIZE: Unit = {
  title: 'size',
  parse: parseBytes,
  format: formatBytes,
  bareNumbers: true,
  expected: 'a size such as 4Mi, 4MiB or 1048576',
  pattern: BYTES.source,
};

const DURATION: Unit = {
  title: 'duration',
  parse: parseDurationMs,
  format: formatDurationMs,
  bareNumbers: false,
  expected: 'a duration such as 250ms, 1s, 1m30s or 7d',
  pattern: DURATION_MS.source,
};

/** Schema of a size: `4Mi`, `4MiB` or a number of bytes; the value is bytes. */
export function bytes(description: string, limits: Limits = {}) {
  return quantity(SIZE, description, limits);
}

/** Schema of a size or one of some words; the value is bytes or the word. */
export function bytesOr<const Word extends string>(words: readonly Word[], description: string, limits: Limits = {}) {
  return quantity(SIZE, description, limits, words);
}

/** Schema of a duration: `250ms`, `1s`, `1m30s`, `7d`; the value is milliseconds. */
export function duration(description: string, limits: Limits = {}) {
  return quantity(DURATION, description, limits);
}

/** Schema of a duration or one of some words; the value is milliseconds or the word. */
export function durationOr<const Word extends string>(words: readonly Word[], description: string) {
  return quantity(DURATION, description, {}, words);
}

/** Schema of a size or a percentage; the value is bytes, or the text of the percentage (`15%`). */
export function sizeOrPercentage(description: string) {
  const expected = 'a percentage such as 15% or a size such as 4Gi';
  return z
    .union([z.string(), z.number()], { error: `must be ${expected}` })
    .transform((value, context): number | `${number}%` => {
      const text = String(value).trim();
      if (PERCENTAGE.test(text)) return text as `${number}%`;
      const size = parseBytes(text);
      if (size === undefined) context.addIssue(`must be ${expected}, not ${JSON.stringify(value)}`);
      return size ?? 0;
    })
    .meta({ title: 'size or percentage', description, pattern: `${BYTES.source}|${PERCENTAGE.source}` });
}

function quantity<Word extends string = never>(
  unit: Unit,
  description: string,
  limits: Limits,
  words: readonly Word[] = [],
) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits;
  const expected = [...words, unit.expected].join(' or ');
  const title = [...words, unit.title].join(' or ');
  return z
    .union([z.string(), z.number()], { error: `must be ${expected}` })
    .transform((value, context): number | Word => {
      const word = words.find((candidate) => candidate === value);
      if (word !== undefined) return word;
      const parsed = unit.parse(String(value));
      if (parsed === undefined || !Number.isSafeInteger(parsed)) {
        context.addIssue(`must be ${expected}, not ${JSON.stringify(value)}`);
        return 0;
      }
      if (parsed < min) context.addIssue(`must be at least ${unit.format(min)}, not ${value}`);
      if (parsed > max) context.addIssue(`must be at most ${unit.format(max)}, not ${value}`);
      return parsed;
    })
    .meta({
      title,
      description,
      ...(unit.bareNumbers ? { minimum: min } : {}),
      pattern: words.length === 0 ? unit.pattern : `^(${words.join('|')})$|${unit.pattern}`,
    });
}
