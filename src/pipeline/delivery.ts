import type { RetryConfig } from '../config/schema.ts';
import type { Again, Output, Rejection, SendResult } from '../output/output.ts';
import { Backoff } from './backoff.ts';
import type { Batch } from './batch.ts';
import type { Evidence, Suspicion } from './evidence.ts';

/** What a delivery needs, and whom it tells. */
export interface DeliveryContext {
  readonly output: Output;
  readonly retry: RetryConfig;
  /** Shared by all deliveries of one pipeline. */
  readonly evidence: Evidence;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
  /** After each request; `bytes` are those of its items. */
  answered(result: SendResult, bytes: number, milliseconds: number): void;
  /** Several events, of so many bytes, were too large for one request. */
  tooLarge(bytes: number): void;
  /** Before a wait. `holding` means that somebody has to mend something. */
  waiting(state: 'retrying' | 'holding', again: Again, delayMs: number): void;
  /** Whether others have to be tried, because an item is refused alone and there is nothing to compare it with. */
  suspect(alone: boolean): void;
  /** Whether what comes later must not be stored before: but for what the receiver says of an event itself. */
  readonly ordered: boolean;
  /** Whether a former run may have sent it: the receiver is asked first for what it has, where copies could come to stand there. */
  readonly again?: boolean;
  /**
   * The batch as it was when this began, or cut once more where its memory was given back for the time of a wait;
   * `null` where it can't be had any more.
   */
  batch(): Promise<Batch | null>;
}

export interface Delivered {
  readonly rejected: readonly Rejection[];
  /** Items of which the receiver said that it had them before. */
  readonly duplicates: number;
  /** Items that could not be cut again. */
  readonly gone: readonly number[];
}

/** So many equal refusals of the same items, and halves of them are tried. */
const PATIENCE = 4;
/** Where halves are refused as the whole was, the next try to divide it comes twice as late, up to here. */
const MAX_PATIENCE = 32;
/**
 * So many answers of 5xx in a row without anything taken (seven minutes at the default back-off), and somebody has to look: in order,
 * or with nothing behind it, an event that the receiver falls over waits for ever, since there is nothing to compare it with.
 */
const ALARM = 32;

/**
 * Delivers a batch: returns when each of its items has been stored or refused for good. It waits for ever: what the
 * receiver cannot take now stays in the log. An event is given up only if it is refused by itself while others pass;
 * where all are refused alike, nothing is.
 */
export async function deliver(count: number, context: DeliveryContext, signal: AbortSignal): Promise<Delivered> {
  const delivery = new Delivery(context, signal);
  try {
    const items = Array.from({ length: count }, (_, item) => item);
    const left = context.again === true ? await delivery.withoutKnown(items) : items;
    if (left.length > 0) await delivery.settle({ items: left, refusal: null });
  } finally {
    context.suspect(false);
  }
  return { rejected: delivery.rejected, duplicates: delivery.duplicates, gone: delivery.gone };
}

/** Items that were refused together, with the words of the refusal, and since when they are under suspicion. */
interface Refusal {
  readonly again: Again;
  readonly key: string;
  readonly suspicion: Suspicion;
}

interface Group {
  readonly items: readonly number[];
  /** Null where they have not been sent by themselves yet. */
  readonly refusal: Refusal | null;
}

class Delivery {
  readonly rejected: Rejection[] = [];
  readonly gone: number[] = [];
  duplicates = 0;
  readonly #context: DeliveryContext;
  readonly #signal: AbortSignal;
  readonly #backoff: Backoff;
  /** Whether parts were refused as the whole was. */
  #allAlike = false;
  /** Answers of 5xx since something was taken. */
  #failures = 0;

  constructor(context: DeliveryContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
    this.#backoff = new Backoff(context.retry, context.random);
  }

  /** The items that the receiver does not have; waits until it can be asked. */
  async withoutKnown(items: readonly number[]): Promise<readonly number[]> {
    const { output } = this.#context;
    while (output.lookUp !== undefined) {
      const batch = await this.#context.batch();
      if (batch === null) break; // settling it says so
      const { known, again } = await output.lookUp({ batch, items }, this.#signal);
      this.#signal.throwIfAborted();
      if (again === undefined) {
        this.duplicates += known.length;
        this.#backoff.reset();
        const there = new Set(known);
        return items.filter((item) => !there.has(item));
      }
      await this.#wait(again, false, false);
    }
    return items;
  }

  /** Sends items again and again until none is left. A group that comes out of a division has shown its refusal. */
  async settle(group: Group): Promise<void> {
    let { items, refusal } = group;
    let refusals = 1;
    let patience = refusal === null ? PATIENCE : 1;
    let allPatience = PATIENCE;
    if (refusal === null) {
      ({ items, refusal } = await this.#try(items, null));
    }
    while (items.length > 0 && refusal !== null) {
      const { again } = refusal;
      // A server that closes its door on a large body shows as a reset: halves may pass, but no event is to blame.
      const answered = again.how === 'suspect' || (again.how === 'retry' && again.status > 0);
      const alone = answered && items.length === 1;
      if (alone && this.#condemns(again, refusals, refusal.suspicion)) {
        this.#reject(again, items[0] as number);
        return;
      }
      await this.#wait(again, alone && refusals >= PATIENCE, alone);
      const divisible = items.length > 1 && (answered || again.reason === 'reset');
      if (divisible && refusals >= patience) {
        const { groups, taken } = await this.#divide(items, refusal);
        if (taken) {
          for (const part of groups) await this.settle(part);
          return;
        }
        // All is refused alike: not the fault of an event. Try the whole, and parts again only much later.
        items = groups.flatMap((part) => [...part.items]).sort(ascending);
        this.#allAlike = true;
        allPatience = Math.min(allPatience * 2, MAX_PATIENCE);
        patience = allPatience;
        refusals = 0;
        if (items.length === 0) return;
      }
      const before = items.length;
      const key: string = refusal.key;
      ({ items, refusal } = await this.#try(items, refusal));
      refusals = refusal !== null && refusal.key === key && items.length === before ? refusals + 1 : 1;
    }
  }

  /** One request; what is too large is split and settled, what has to be sent again comes back. */
  async #try(items: readonly number[], before: Refusal | null): Promise<Group> {
    const left = await this.#splitWhatIsTooLarge(await this.#send(items));
    const worst =
      left.find(({ how }) => how === 'hold') ?? left.find(({ how }) => how === 'suspect') ?? left[0] ?? null;
    if (worst === null) return { items: [], refusal: null };
    const leftItems = left.flatMap((group) => [...group.items]).sort(ascending);
    const key = left.map(({ how, status, reason }) => `${how} ${status} ${reason}`).join(', ');
    const { evidence } = this.#context;
    const same = before !== null && key === before.key && leftItems.length === items.length;
    const suspicion = same
      ? { ...before.suspicion, own: before.suspicion.own + 1 }
      : evidence.suspect(leftItems.length < items.length);
    return { items: leftItems, refusal: { again: worst, key, suspicion } };
  }

  async #send(items: readonly number[]): Promise<readonly Again[]> {
    this.#signal.throwIfAborted();
    const context = this.#context;
    const batch = await context.batch();
    if (batch === null) {
      this.gone.push(...items);
      return [];
    }
    const begun = performance.now();
    const result = await context.output.send({ batch, items }, this.#signal);
    const left = result.again.reduce((sum, group) => sum + group.items.length, 0);
    const taken = items.length > left + result.rejected.length;
    // Told to stop in the middle of a request, nobody knows what became of it: it stays in the window.
    if (left > 0) this.#signal.throwIfAborted();
    this.rejected.push(...result.rejected);
    this.duplicates += result.duplicates;
    // Without an answer nothing is known of the events.
    if (taken || result.again.some(({ status }) => status > 0)) context.evidence.note(taken);
    if (taken) {
      this.#allAlike = false;
      this.#failures = 0;
      this.#backoff.reset();
    }
    context.answered(result, bytesOf(batch, items), performance.now() - begun);
    return result.again;
  }

  /** Halves what was too large as a whole, at once; a single item that is too large is refused for good. */
  async #splitWhatIsTooLarge(again: readonly Again[]): Promise<readonly Again[]> {
    const rest: Again[] = [];
    for (const group of again) {
      const { items } = group;
      if (group.how !== 'split') rest.push(group);
      else if (items.length === 1) this.#reject(group, items[0] as number);
      else {
        const batch = await this.#context.batch();
        if (batch !== null) this.#context.tooLarge(bytesOf(batch, items));
        for (const half of halve(items)) await this.settle({ items: half, refusal: null });
      }
    }
    return rest;
  }

  /**
   * Sends each half once, and where neither is taken the halves of one of them, down to single events: with a bad event
   * in either half, only smaller parts show that others pass. `taken`: others passed
   * since these were first refused, so it is no bad day.
   */
  async #divide(items: readonly number[], refusal: Refusal): Promise<{ groups: Group[]; taken: boolean }> {
    const ordered = this.#isOrdered(refusal.again);
    const groups: Group[] = [];
    let parts: readonly (readonly number[])[] = halve(items);
    while (true) {
      const refused: Group[] = [];
      for (const part of parts) {
        const group = ordered && refused.length > 0 ? { items: part, refusal: null } : await this.#try(part, refusal);
        if (group.refusal !== null) refused.push(group);
        else if (group.items.length > 0) groups.push(group);
      }
      const taken = this.#context.evidence.acceptedSince(refusal.suspicion) > 0;
      const large = refused.filter((group) => group.items.length > 1);
      if (taken || large.length === 0) return { groups: [...groups, ...refused].sort(inOrder), taken };
      const next = large[Math.floor(this.#context.random() * large.length)] as Group;
      groups.push(...refused.filter((group) => group !== next));
      parts = halve(next.items);
    }
  }

  /** Trouble of the receiver's own may be over in the next moment: what comes later has to wait for that. */
  #isOrdered(again: Again): boolean {
    return this.#context.ordered && again.how !== 'suspect';
  }

  #condemns(again: Again, alone: number, suspicion: Suspicion): boolean {
    return this.#context.evidence.condemns(again.how === 'suspect' ? 'suspect' : 'retry', again, alone, suspicion);
  }

  #reject({ status, reason, words }: Again, item: number): void {
    this.rejected.push({ item, status, reason, words, outcome: 'deadLettered' });
  }

  async #wait(again: Again, stuck: boolean, alone: boolean): Promise<void> {
    this.#context.suspect(stuck && !this.#isOrdered(again));
    const delay = this.#backoff.next(again.retryAfterMs);
    this.#failures = again.status >= 500 ? this.#failures + 1 : 0;
    const mend =
      again.how === 'hold' ||
      this.#failures >= ALARM ||
      (again.how === 'suspect' ? this.#allAlike : alone && this.#context.evidence.isRun(again.reason));
    this.#context.waiting(mend ? 'holding' : 'retrying', again, delay);
    await this.#context.sleep(delay, this.#signal);
  }
}

function bytesOf(batch: Batch, items: readonly number[]): number {
  if (items.length === batch.count) return batch.bytes.length;
  return items.reduce((sum, item) => sum + batch.itemEnd(item) - batch.itemStart(item), 0);
}

function halve(items: readonly number[]): [readonly number[], readonly number[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

function inOrder(a: Group, b: Group): number {
  return (a.items[0] as number) - (b.items[0] as number);
}

function ascending(a: number, b: number): number {
  return a - b;
}
