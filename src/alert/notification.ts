import type { Severity } from '../config/alert-rule-schema.ts';
import type { Facts } from './match.ts';
import type { Piece } from './template.ts';

/** What a receiver is told. Times are ms since the epoch, by the clock of the trail. */
export interface Notification {
  /** 32 hexadecimal digits: the same whenever this is sent again. */
  readonly id: string;
  readonly status: 'firing' | 'resolved';
  readonly rule: string;
  readonly severity: Severity;
  readonly source: string;
  /** Names this alert while it lasts and whenever it comes back: 16 hexadecimal digits. */
  readonly fingerprint: string;
  readonly group: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: readonly Piece[];
  readonly description: string;
  readonly action: string;
  readonly techniques: readonly string[];
  readonly runbook: string;
  /** When it began. */
  readonly startsMs: number;
  /** The last match. */
  readonly lastMs: number;
  /** Matches since it began. */
  readonly count: number;
  /** How long it lasts without another word: `repeat`, and `resolve` where that is said. */
  readonly lastsMs: number;
  /** The newest events behind it, newest last. */
  readonly events: readonly Facts[];
}

/** A notification, and who is to be told. */
export interface Addressed {
  readonly to: readonly string[];
  readonly notification: Notification;
}
