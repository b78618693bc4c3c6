/** What a suspicion against some items began with. */
export interface Suspicion {
  readonly acceptedBefore: number;
  readonly refusedBefore: number;
  /** Refusals of requests that held these items, since it began. */
  readonly own: number;
}

type Kind = 'suspect' | 'retry';

/**
 * When an event that is refused by itself is given up. What the receiver says of the event itself (`suspect`) weighs
 * more than what may be its own trouble: there, others must pass while hardly any is refused, or it is a bad day.
 */
const CONDEMNED = {
  suspect: { alone: 2, accepted: 1, acceptedPerRefused: 0 },
  retry: { alone: 8, accepted: 3, acceptedPerRefused: 4 },
} as const;

/** Statuses that speak of load or of time, never of an event: Request Timeout, Too Early, Too Many Requests. */
const NEVER_THE_EVENT: readonly number[] = [408, 425, 429];

/**
 * So many events of one reason may be given up for what looks like the receiver's own trouble; with a run of them it is
 * the receiver (a shard that is gone, say), and the pipeline waits for it.
 */
const MAX_RUN = 3;

/** What the requests of one pipeline tell together: what tells a bad event from a bad day. */
export class Evidence {
  /** Requests in which the receiver took something, and in which it took nothing and spoke. */
  #accepted = 0;
  #refused = 0;
  readonly #runs = new Map<string, number>();

  note(accepted: boolean): void {
    if (accepted) this.#accepted += 1;
    else this.#refused += 1;
  }

  /** A suspicion that begins with the request that has just been noted; `partly` where others in it were taken. */
  suspect(partly: boolean): Suspicion {
    return partly
      ? { acceptedBefore: this.#accepted - 1, refusedBefore: this.#refused, own: 0 }
      : { acceptedBefore: this.#accepted, refusedBefore: this.#refused - 1, own: 1 };
  }

  /** Requests in which others were taken since a suspicion began. */
  acceptedSince(since: Suspicion): number {
    return this.#accepted - since.acceptedBefore;
  }

  /** Whether so many were given up for one reason that it must be the receiver. */
  isRun(reason: string): boolean {
    return (this.#runs.get(reason) ?? 0) >= MAX_RUN;
  }

  /** Whether an event that was refused `alone` times by itself is at fault; if so it counts for the run of its reason. */
  condemns(
    kind: Kind,
    again: { readonly status: number; readonly reason: string },
    alone: number,
    since: Suspicion,
  ): boolean {
    const needed = CONDEMNED[kind];
    const accepted = this.acceptedSince(since);
    const refusedOthers = this.#refused - since.refusedBefore - since.own;
    if (alone < needed.alone || accepted < needed.accepted) return false;
    if (kind === 'suspect') return true;
    if (NEVER_THE_EVENT.includes(again.status) || accepted < refusedOthers * needed.acceptedPerRefused) return false;
    if (this.isRun(again.reason)) return false;
    this.#runs.set(again.reason, (this.#runs.get(again.reason) ?? 0) + 1);
    return true;
  }
}
