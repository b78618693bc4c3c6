import type { Notification } from './notification.ts';

/** What became of a notification. */
export type Told =
  | { readonly outcome: 'told' }
  /** `hold` waits for somebody to mend something; neither is given up before its time. */
  | {
      readonly outcome: 'retry' | 'hold';
      readonly reason: string;
      readonly words: string;
      readonly status: number;
      readonly retryAfterMs?: number;
    }
  /** It will never be taken. */
  | { readonly outcome: 'refused'; readonly reason: string; readonly words: string; readonly status: number };

/** Somebody who is told. */
export interface Receiver {
  readonly name: string;
  readonly type: string;
  tell(notification: Notification, signal: AbortSignal): Promise<Told>;
  close(): Promise<void>;
}
