import type { Loss } from '../log/loss.ts';
import type { Checkpoint, Counts, DecidedBy } from '../state/checkpoint.ts';
import type { NotificationEntry } from '../state/ledger-entry.ts';

/** Where a pipeline keeps what has to survive. All of it throws what the file system throws. */
export interface PipelineState {
  /** Survives kill -9. */
  note(checkpoint: Checkpoint): void;
  /** Survives a power failure. */
  save(checkpoint: Checkpoint): Promise<void>;
  /** Said twice of one segment with the same length, it counts once. */
  segmentSettled(record: SettledSegment): Promise<void>;
  lost(loss: Loss): Promise<void>;
  /** Said twice of one receiver and notification, it counts once. */
  told(notifications: readonly ToldNotification[]): Promise<void>;
  /** False where the dead letter is full: nothing was kept then. */
  setAside(letters: readonly DeadLetter[]): Promise<boolean>;
  /** The same for a line that is too long to be held: its bytes are read in steps. */
  setAsideLong(letter: Omit<DeadLetter, 'bytes'>, length: number, read: ReadAt): Promise<boolean>;
}

export interface SettledSegment {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly counts: Counts;
  readonly filters?: readonly DecidedBy[];
}

/** What became of a notification of the alert rules. */
export type ToldNotification = Omit<NotificationEntry, 'type' | 'source'>;

/** Reads bytes of a long line: `offset` counts from its beginning. Gives how many it read. */
export type ReadAt = (offset: number, into: Buffer) => Promise<number>;

export interface DeadLetter {
  readonly source: string;
  readonly segment: string;
  readonly name: string;
  readonly offset: number;
  readonly reason: string;
  readonly status: number;
  readonly words: string;
  readonly bytes: Buffer;
}
