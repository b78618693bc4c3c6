export const BYTE_UNITS: Readonly<Record<string, number>> = {
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

// The text of this goes to editors as a JSON Schema pattern.
export const BYTES = /^\s*(\d+(?:\.\d+)?)\s*(k|[MGT]|[KMGT]i)?B?\s*$/;

/** Bytes of a Kubernetes quantity (`4Mi`, `4MiB`, `500k`, `1048576`), or `undefined` where it is none. */
export function parseBytes(text: string): number | undefined {
  const match = BYTES.exec(text);
  return match === null ? undefined : Math.round(Number(match[1]) * (BYTE_UNITS[match[2] ?? ''] as number));
}

/** `retain.minFree` where it is not set. */
export const DEFAULT_MIN_FREE = '15%';

/**
 * What `retain.minFree` says: a share of the filesystem (0 to 1) or bytes; no bytes where it is neither, which the schema
 * refuses.
 */
export function parseFree(value: string | number): { readonly share: number } | { readonly bytes: number } {
  if (typeof value === 'number') return { bytes: value };
  const share = value.trim().endsWith('%') ? Number.parseFloat(value) / 100 : Number.NaN;
  return Number.isNaN(share) ? { bytes: parseBytes(value) ?? 0 } : { share };
}
