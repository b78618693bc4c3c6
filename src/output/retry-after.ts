/** No receiver gets to silence the agent for longer than this. */
const MAX_MS = 3_600_000;

/** Milliseconds that a `Retry-After` header asks to wait (RFC 9110 §10.2.3: seconds, or a date), one hour at most; 0 for a date that is past. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (/^\d{1,15}(\.\d{1,6})?$/.test(trimmed)) return Math.min(Math.ceil(Number(trimmed) * 1000), MAX_MS);
  if (!/^[A-Z][a-z]+,? .*\d\d:\d\d:\d\d/.test(trimmed)) return undefined; // Date.parse takes much that is no date
  const at = Date.parse(trimmed);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - nowMs, 0), MAX_MS);
}
