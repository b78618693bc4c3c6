import type { RetryConfig } from '../config/schema.ts';
import type { Again, Output, Rejection, SendResult } from '../output/output.ts';
import { Backoff } from './backoff.ts';
import type { Batch } from './batch.ts';

/** What the deliveries of one pipeline share, and what they tell it. */
export interface DeliveryContext {
  readonly output: Output;
  readonly retry: RetryConfig;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
  /** Requests of any batch in which the receiver took something: what tells a bad event from a bad day. */
  acceptances: number;
  /** After each request; `bytes` are those of its items. */
  answered(result: SendResult, bytes: number, milliseconds: number): void;
  /** Before a wait. `holding` means that somebody has to mend something. */
  waiting(state: 'retrying' | 'holding', again: Again, delayMs: number): void;
  /** An item alone is refused: others have to be tried, so that there is something to compare it with. */
  suspect(alone: boolean): void;
}

export interface Delivered {
  readonly rejected: readonly Rejection[];
  /** Items of which the receiver said that it had them before. */
  readonly duplicates: number;
}

/** So many equal refusals of the same items, and halves of them are tried. */
const PATIENCE = 4;
/**
 * When an event that is refused alone is given up: after so many refusals, with so many acceptances of others since the
 * first. What the receiver says of the event itself (`suspect`) weighs more than what may be its own trouble.
 */
const CONDEMNED = { suspect: { refusals: 2, acceptances: 1 }, retry: { refusals: 6, acceptances: 3 } } as const;

/**
 * Delivers a batch: returns when each of its items has been stored or refused for good. It waits for ever: what the
 * receiver cannot take now stays in the log. An event is given up only if it is refused by itself while others pass;
 * where all are refused alike, nothing is.
 */
export async function deliver(batch: Batch, context: DeliveryContext, signal: AbortSignal): Promise<Delivered> {
  const delivery = new Delivery(batch, context, signal);
  await delivery.settle(
    Array.from({ length: batch.count }, (_, item) => item),
    PATIENCE,
  );
  return { rejected: delivery.rejected, duplicates: delivery.duplicates };
}

class Delivery {
  readonly rejected: Rejection[] = [];
  duplicates = 0;
  readonly #batch: Batch;
  readonly #context: DeliveryContext;
  readonly #signal: AbortSignal;
  readonly #backoff: Backoff;

  constructor(batch: Batch, context: DeliveryContext, signal: AbortSignal) {
    this.#batch = batch;
    this.#context = context;
    this.#signal = signal;
    this.#backoff = new Backoff(context.retry, context.random);
  }

  /** Sends items again and again until none is left. */
  async settle(all: readonly number[], patience: number): Promise<void> {
    let items = all;
    let refusals = 0;
    let lastKey = '';
    let threshold = patience;
    let acceptancesBefore = -1;
    while (items.length > 0) {
      const again = await this.#send(items);
      const left = await this.#splitWhatIsTooLarge(again);
      if (left.length === 0) break;
      const leftItems = left.flatMap((group) => [...group.items]).sort((a, b) => a - b);
      const key = left.map(({ how, status, reason }) => `${how} ${status} ${reason}`).join(', ');
      const same = key === lastKey && leftItems.length === items.length;
      refusals = same ? refusals + 1 : 1;
      if (!same) acceptancesBefore = this.#context.acceptances;
      lastKey = key;
      items = leftItems;
      const worst = left.find(({ how }) => how === 'hold') ?? left.find(({ how }) => how === 'suspect') ?? (left[0] as Again);
      // A server that closes its door on a large body shows as a reset: halves may pass, but no event is to blame.
      const answered = worst.how === 'suspect' || (worst.how === 'retry' && worst.status > 0);
      const alone = answered && items.length === 1;
      if (alone && this.#isCondemned(worst, refusals, this.#context.acceptances - acceptancesBefore)) {
        this.#reject(worst);
        break;
      }
      await this.#wait(worst, alone);
      const divisible = items.length > 1 && (answered || worst.reason === 'reset');
      if (!divisible || refusals < threshold) continue;
      const halves = await this.#tryHalves(items);
      if (halves === null) {
        // All is refused alike: not the fault of an event. Try the whole, and halves again only much later.
        threshold *= 2;
        refusals = 0;
        continue;
      }
      for (const half of halves) await this.settle(half, 1);
      break;
    }
    this.#context.suspect(false);
  }

  /** One request; rejected items are noted, what has to be sent again comes back. */
  async #send(items: readonly number[]): Promise<readonly Again[]> {
    this.#signal.throwIfAborted();
    const begun = performance.now();
    const result = await this.#context.output.send({ batch: this.#batch, items }, this.#signal);
    const left = result.again.reduce((sum, group) => sum + group.items.length, 0);
    this.rejected.push(...result.rejected);
    this.duplicates += result.duplicates;
    if (items.length > left + result.rejected.length) {
      this.#context.acceptances += 1;
      this.#backoff.reset();
    }
    this.#context.answered(result, this.#bytesOf(items), performance.now() - begun);
    // Told to stop in the middle of a request, nobody knows what became of it: it stays in the window.
    if (left > 0) this.#signal.throwIfAborted();
    return result.again;
  }

  #bytesOf(items: readonly number[]): number {
    const batch = this.#batch;
    if (items.length === batch.count) return batch.bytes.length;
    return items.reduce((sum, item) => sum + batch.itemEnd(item) - batch.itemStart(item), 0);
  }

  /** Halves what was too large as a whole, at once; a single item that is too large is refused for good. */
  async #splitWhatIsTooLarge(again: readonly Again[]): Promise<readonly Again[]> {
    const rest: Again[] = [];
    for (const group of again) {
      if (group.how !== 'split') rest.push(group);
      else if (group.items.length === 1) this.#reject(group);
      else for (const half of halve(group.items)) await this.settle(half, PATIENCE);
    }
    return rest;
  }

  /** Sends each half once. `null` where nothing of either was taken; else what is left of them. */
  async #tryHalves(items: readonly number[]): Promise<readonly (readonly number[])[] | null> {
    const before = this.#context.acceptances;
    const left: (readonly number[])[] = [];
    for (const half of halve(items)) {
      const again = await this.#splitWhatIsTooLarge(await this.#send(half));
      const rest = again.flatMap((group) => [...group.items]).sort((a, b) => a - b);
      if (rest.length > 0) left.push(rest);
    }
    return this.#context.acceptances > before ? left : null;
  }

  #isCondemned(again: Again, refusals: number, acceptancesSince: number): boolean {
    const needed = again.how === 'suspect' ? CONDEMNED.suspect : CONDEMNED.retry;
    return refusals >= needed.refusals && acceptancesSince >= needed.acceptances;
  }

  #reject(again: Again): void {
    const { status, reason, words } = again;
    this.rejected.push({ item: again.items[0] as number, status, reason, words, outcome: 'deadLettered' });
  }

  async #wait(again: Again, alone: boolean): Promise<void> {
    if (alone) this.#context.suspect(true);
    const delay = this.#backoff.next(again.retryAfterMs);
    this.#context.waiting(again.how === 'hold' ? 'holding' : 'retrying', again, delay);
    await this.#context.sleep(delay, this.#signal);
  }
}

function halve(items: readonly number[]): [readonly number[], readonly number[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}
