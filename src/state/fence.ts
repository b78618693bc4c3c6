/**
 * Proof that this agent is still the one that owns the state directory. Every change to durable state asks it first, so
 * that an agent that was paused and superseded cannot overwrite what its successor wrote.
 */
export interface Fence {
  /** Raised by one with each owner of the directory. */
  readonly generation: number;
  /** Throws AUD_STATE_LOCKED when the directory belongs to somebody else by now. Takes microseconds. */
  check(): void;
}
