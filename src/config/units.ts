import { z } from 'zod';

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Bytes of a Kubernetes quantity (`4Mi`, `4MiB`, `500k`, `1048576`), or `undefined` where it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kMGT]i?|Ki)?B?$/.exec(text.trim());
  const unit = match === null ? undefined : BYTE_UNITS[match[2] ?? ''];
  return match === null || unit === undefined ? undefined : Math.floor(Number(match[1]) * unit);
}

/** Milliseconds of a duration (`250ms`, `1s`, `1m30s`, `7d`), or `undefined` where it is none. */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(number) * (DURATION_UNITS_MS[unit as string] as number);
  }
  return total;
}

/** Schema of a size: `4Mi`, `4MiB` or a number of bytes; the value is bytes. */
export function bytes(describe: string, limits: { min?: number; max?: number } = {}) {
  return quantity(parseBytes, 'a size such as 4Mi, 4MiB or 1048576', describe, limits);
}

/** Schema of a duration: `250ms`, `1s`, `1m30s`, `7d`; the value is milliseconds. */
export function duration(describe: string, limits: { min?: number; max?: number } = {}) {
  return quantity(parseDurationMs, 'a duration such as 250ms, 1s, 1m30s or 7d', describe, limits);
}

function quantity(
  parse: (text: string) => number | undefined,
  expected: string,
  describe: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number },
) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const parsed = typeof value === 'number' && parse === parseBytes ? Math.floor(value) : parse(String(value));
      if (parsed === undefined || !Number.isFinite(parsed)) {
        context.addIssue(`must be ${expected}, not ${JSON.stringify(value)}`);
        return z.NEVER;
      }
      if (parsed < min || parsed > max) {
        context.addIssue(`is out of range: ${JSON.stringify(value)}`);
        return z.NEVER;
      }
      return parsed;
    })
    .describe(describe);
}
