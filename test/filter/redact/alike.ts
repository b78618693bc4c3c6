import { asJson } from './redacting.ts';

/** Where what went out differs from what came in, by more than values that were replaced; none where keys are the same. */
export function differences(
  before: unknown,
  after: unknown,
  mayGo: (text: string) => boolean,
  at = '',
): readonly string[] {
  if (after === '[redacted]') return mayGo(JSON.stringify(before)) ? [] : [`${at} went: ${JSON.stringify(before)}`];
  if (typeof before === 'string' && typeof after === 'string') {
    if (before === after) return [];
    const [one, other] = [asJson(before), asJson(after)];
    if (one !== undefined && other !== undefined) return differences(one, other, mayGo, `${at}"`);
    return after.includes('[redacted]') && mayGo(before) ? [] : [`${at}: ${before} became ${after}`];
  }
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null) {
    return before === after ? [] : [`${at}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
  }
  const [ours, theirs] = [Object.keys(before), Object.keys(after)];
  if (ours.join('\n') !== theirs.join('\n')) return [`${at}: the keys ${ours.join()} became ${theirs.join()}`];
  return ours.flatMap((key) =>
    differences(
      (before as Record<string, unknown>)[key],
      (after as Record<string, unknown>)[key],
      mayGo,
      `${at}.${key}`,
    ),
  );
}
