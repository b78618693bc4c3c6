import type { AlertReceiverConfig } from '../config/alert-schema.ts';
import { AuditailError } from '../errors.ts';
import type { AlertReceiverStatus } from '../inspect/status.ts';
import { wildcards } from './compile-rule.ts';
import type { Notification } from './notification.ts';
import type { Receiver, Told } from './receiver.ts';

const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;

export interface DelivererOptions {
  readonly config: AlertReceiverConfig;
  readonly receiver: Receiver;
  /** The waits between tries, growing. */
  readonly backoff: () => { next(atLeastMs?: number): number; reset(): void };
  /** Rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
  /** Notes that the receiver has been told, or why what was to be told is set aside. */
  readonly settled: (receiver: string, notification: Notification, setAside?: string) => Promise<void>;
  /** Keeps a copy of what will not be told; false where there is no room. */
  readonly setAside: (notification: Notification, reason: string, words: string, status: number) => Promise<boolean>;
  readonly notes: {
    info(message: string, fields: Readonly<Record<string, unknown>>): void;
    warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  };
}

interface Waiting {
  readonly notification: Notification;
  readonly sinceMs: number;
}

/** So many times `maxPending` wait at most: more than that come only while none can be set aside. */
const MOST_PENDING = 4;

/** Brings notifications to one receiver, in their order, for as long as it takes; a slow one holds no other up. */
export class Deliverer {
  readonly name: string;
  readonly #options: DelivererOptions;
  readonly #takesRule: (rule: string) => boolean;
  readonly #queue: Waiting[] = [];
  #wake = Promise.withResolvers<void>();
  #tokens: number;
  #tokensAtMs: number;
  #told = 0;
  #retries = 0;
  #setAside = 0;
  #lastToldAt = '';
  #trouble: { readonly state: 'retrying' | 'holding'; readonly reason: string; readonly words: string } | null = null;

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.name = options.config.name;
    this.#takesRule = wildcards(options.config.rules);
    this.#tokens = options.config.rateLimit.burst;
    this.#tokensAtMs = options.now();
  }

  /** Whether this receiver is to be told of it. */
  wants({ rule, severity, status }: Notification): boolean {
    const { minSeverity, sendResolved } = this.#options.config;
    if (status === 'resolved' && !sendResolved) return false;
    return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(minSeverity) && this.#takesRule(rule);
  }

  offer(notification: Notification): void {
    this.#queue.push({ notification, sinceMs: this.#options.now() });
    this.#wake.resolve();
  }

  /** Whether no more may be offered: the receiver does not take them, and the dead letter has no room either. */
  get isFull(): boolean {
    return this.#queue.length >= this.#options.config.maxPending * MOST_PENDING;
  }

  /** What waits, in order. */
  get pending(): readonly Notification[] {
    return this.#queue.map(({ notification }) => notification);
  }

  status(): AlertReceiverStatus {
    const { config, receiver } = this.#options;
    return {
      name: config.name,
      type: receiver.type,
      state: this.#trouble?.state ?? 'idle',
      reason: this.#trouble?.reason ?? '',
      words: this.#trouble?.words ?? '',
      pending: this.#queue.length,
      told: this.#told,
      retries: this.#retries,
      setAside: this.#setAside,
      lastToldAt: this.#lastToldAt,
    };
  }

  /** Tells until the signal is aborted. Rejects on faults of the program only. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (!signal.aborted) {
      const next = this.#queue[0];
      if (next === undefined) {
        this.#wake = Promise.withResolvers();
        await Promise.race([this.#wake.promise, stopped]);
        continue;
      }
      try {
        await this.#dropTooMany(signal);
        await this.#deliver(this.#queue[0] ?? next, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await this.#options.receiver.close();
  }

  async #deliver(waiting: Waiting, signal: AbortSignal): Promise<void> {
    const { receiver, sleep, now, config } = this.#options;
    const { notification, sinceMs } = waiting;
    const backoff = this.#options.backoff();
    while (!signal.aborted) {
      await this.#turn(signal);
      const told: Told = await receiver.tell(notification, signal);
      if (told.outcome === 'told') {
        this.#told += 1;
        this.#lastToldAt = new Date(now()).toISOString();
        this.#recovered();
        return this.#settle(waiting);
      }
      // Told to stop in the middle of a request, nobody knows what became of it: it is told again.
      signal.throwIfAborted();
      const { reason, words, status } = told;
      const late = now() - sinceMs >= config.giveUpAfter;
      const isOver = told.outcome === 'refused' || late;
      const why = told.outcome === 'refused' ? reason : 'gave-up';
      if (isOver && (await this.#giveUp(waiting, why, words, status))) return;
      this.#retries += 1;
      // What cannot be set aside has said so itself.
      if (!isOver) this.#troubled({ state: told.outcome === 'retry' ? 'retrying' : 'holding', reason, words });
      await sleep(backoff.next('retryAfterMs' in told ? told.retryAfterMs : undefined), signal);
      await this.#dropTooMany(signal, waiting);
    }
  }

  /** The oldest make room: what is newer is more worth to be told. */
  async #dropTooMany(signal: AbortSignal, current?: Waiting): Promise<void> {
    const words = `more than ${this.#options.config.maxPending} notifications wait`;
    while (this.#queue.length > this.#options.config.maxPending && !signal.aborted) {
      const oldest = this.#queue[0] === current ? this.#queue[1] : this.#queue[0];
      if (oldest === undefined || !(await this.#giveUp(oldest, 'too-many', words, 0))) return;
    }
  }

  async #giveUp(waiting: Waiting, reason: string, words: string, status: number): Promise<boolean> {
    const { setAside, notes } = this.#options;
    const { notification } = waiting;
    try {
      if (!(await setAside(notification, reason, words, status))) {
        this.#troubled({ state: 'holding', reason: 'dead-letter-full', words: 'the dead letter is full' });
        return false;
      }
    } catch (error) {
      // A disk that is full now has room again some day: until then nobody may be forgotten.
      if (!(error instanceof AuditailError)) throw error;
      this.#troubled({ state: 'holding', reason: 'state-unwritable', words: error.message });
      return false;
    }
    this.#setAside += 1;
    notes.warn('a notification was set aside: nobody was told of an alert', {
      receiver: this.name,
      rule: notification.rule,
      notification: notification.id,
      reason,
      status,
      words,
    });
    await this.#settle(waiting, reason);
    return true;
  }

  async #settle(waiting: Waiting, setAside?: string): Promise<void> {
    const at = this.#queue.indexOf(waiting);
    if (at !== -1) this.#queue.splice(at, 1);
    await this.#options.settled(this.name, waiting.notification, setAside);
  }

  /** Waits until the rate lets one more through. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { now, sleep, config } = this.#options;
    const { perMinute, burst } = config.rateLimit;
    while (true) {
      signal.throwIfAborted();
      const nowMs = now();
      const since = Math.max(0, nowMs - this.#tokensAtMs);
      this.#tokens = Math.min(burst, this.#tokens + (since * perMinute) / 60_000);
      this.#tokensAtMs = nowMs;
      if (this.#tokens >= 1) break;
      await sleep(Math.ceil(((1 - this.#tokens) * 60_000) / perMinute), signal);
    }
    this.#tokens -= 1;
  }

  #troubled(trouble: {
    readonly state: 'retrying' | 'holding';
    readonly reason: string;
    readonly words: string;
  }): void {
    const before = this.#trouble;
    this.#trouble = trouble;
    if (before?.state === trouble.state && before.reason === trouble.reason) return;
    this.#options.notes.warn('a receiver of alerts cannot be told: this is tried again', {
      receiver: this.name,
      ...trouble,
    });
  }

  #recovered(): void {
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#options.notes.info('the receiver of alerts is told again', { receiver: this.name });
  }
}
