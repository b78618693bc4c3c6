/** Times that are kept beyond those that a rule counts, for events that come late. */
const SPARE = 16;

/**
 * Adds a time to those of one group, in order; gives how many lie together in one window with it, if they are enough
 * to count. Times that can no longer matter are dropped: those further back than the window and the tolerance, and the
 * furthest away where there are too many (a clock that was set back must not leave the rule blind).
 */
export function addTime(times: number[], timeMs: number, count: number, windowMs: number, toleranceMs: number): number {
  let at = times.length;
  while (at > 0 && (times[at - 1] as number) > timeMs) at -= 1;
  if (at === times.length) times.push(timeMs);
  else times.splice(at, 0, timeMs);
  let together = 0;
  let to = at;
  for (let from = Math.max(0, at - count + 1); from <= at && from + count <= times.length; from += 1) {
    while (to < times.length && (times[to] as number) - (times[from] as number) <= windowMs) to += 1;
    if (to - from >= count) together = Math.max(together, to - from);
  }
  let old = 0;
  while ((times[old] as number) < timeMs - windowMs - toleranceMs) old += 1;
  if (old > 0) times.splice(0, old);
  while (times.length > 2 * count + SPARE) {
    if (timeMs - (times[0] as number) >= (times.at(-1) as number) - timeMs) times.shift();
    else times.pop();
  }
  return together;
}

/** Adds a value with its time; gives how many different ones lie within the window of it, if they are enough to count. */
export function addValue(
  values: Map<string, number>,
  value: string,
  timeMs: number,
  { count, windowMs, toleranceMs }: { count: number; windowMs: number; toleranceMs: number },
): number {
  const before = values.get(value);
  values.delete(value);
  values.set(value, before === undefined || Math.abs(before - timeMs) > windowMs ? timeMs : Math.max(before, timeMs));
  for (const [old, at] of values) {
    if (at >= timeMs - windowMs - toleranceMs && values.size <= 2 * count + SPARE) break;
    values.delete(old);
  }
  if (values.size < count) return 0;
  let behind = 0;
  let ahead = 0;
  for (const at of values.values()) {
    if (at <= timeMs && timeMs - at <= windowMs) behind += 1;
    if (at >= timeMs && at - timeMs <= windowMs) ahead += 1;
  }
  const together = Math.max(behind, ahead);
  return together >= count ? together : 0;
}
