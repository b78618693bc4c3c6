import type { Part } from '../../pipeline/batch.ts';
import type { Again, Rejection, SendResult } from '../output.ts';

/**
 * Sends the items of a part in requests of their own, `parallel` at a time. Once one has to wait, those that were not tried yet wait with
 * it: the receiver is down for all of them.
 */
export async function sendOneByOne(
  part: Part,
  parallel: number,
  send: (part: Part) => Promise<SendResult>,
): Promise<SendResult> {
  const { batch, items } = part;
  const rejected: Rejection[] = [];
  const again: Again[] = [];
  let stopped: Again | undefined;
  let next = 0;
  async function work(): Promise<void> {
    while (next < items.length && stopped === undefined) {
      const item = items[next] as number;
      next += 1;
      const result = await send({ batch, items: [item] });
      rejected.push(...result.rejected);
      again.push(...result.again);
      stopped ??= result.again.find(({ how }) => how === 'retry' || how === 'hold');
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, work));
  const waiting = items.slice(next);
  if (stopped !== undefined && waiting.length > 0) again.push({ ...stopped, items: waiting });
  return { rejected, again, duplicates: 0 };
}
