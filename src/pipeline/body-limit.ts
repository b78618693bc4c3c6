import type { BatchConfig } from '../config/schema.ts';
import type { CutLimits } from './sealed.ts';

/** Smaller batches than this cost more than they are worth, whoever asks for them. */
const LEAST_BYTES = 64 * 1024;

/**
 * How large a batch may be: what is set, until the receiver calls one too large. Later ones are half of that, but no less
 * than it has taken before, so that a single large event does not make all batches small. Kept for one run.
 */
export class BodyLimit implements CutLimits {
  readonly maxEvents: number;
  #maxBytes: number;
  #takenBytes = LEAST_BYTES;

  constructor({ maxBytes, maxEvents }: Pick<BatchConfig, 'maxBytes' | 'maxEvents'>) {
    this.maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  taken(bytes: number): void {
    this.#takenBytes = Math.max(this.#takenBytes, bytes);
  }

  /** Several events of so many bytes were too large for one request. Whether batches are smaller from now on. */
  tooLarge(bytes: number): boolean {
    const most = Math.max(Math.floor(bytes / 2), this.#takenBytes);
    if (most >= this.#maxBytes) return false;
    this.#maxBytes = most;
    return true;
  }
}
