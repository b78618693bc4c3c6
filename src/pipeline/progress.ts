import type { RetryConfig } from '../config/schema.ts';
import { AuditailError, messageOf } from '../errors.ts';
import type { Filter } from '../filter/filter.ts';
import { learnInstant } from '../log/instants.ts';
import type { Log } from '../log/log.ts';
import type { EventReference, Loss } from '../log/loss.ts';
import type { Segment } from '../log/segment.ts';
import type { Output } from '../output/output.ts';
import type { Checkpoint } from '../state/checkpoint.ts';
import { NO_COUNTS } from '../state/counts.ts';
import { Backoff } from './backoff.ts';
import type { Condition } from './condition.ts';
import type { PipelineNotes } from './notes.ts';
import type { PipelineState } from './pipeline-state.ts';
import { Window } from './window.ts';

export interface ProgressOptions {
  readonly log: Log;
  readonly origin: string;
  readonly output: Output;
  readonly filter: Pick<Filter, 'hash'>;
  readonly retry: RetryConfig;
  readonly checkpointIntervalMs: number;
  readonly state: PipelineState;
  readonly notes: PipelineNotes;
  readonly condition: Condition;
  readonly resume: Checkpoint | null;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly forgotten: (segment: string) => void;
}

/** The least wait before something in the state directory or the log is tried again. */
const LEAST_WAIT_MS = 200;
/** Records of settled segments that have vanished: one that comes back (moved away and back again) is known by them. */
const MAX_VANISHED = 32;

/** How far a pipeline has come, and all that makes it survive: window, checkpoint, ledger. */
export class Progress {
  readonly window: Window;
  /** Loss records by reason, in this run. */
  readonly losses: Record<string, number> = {};
  /** Hash of the filter that judges now. */
  filterHash: string;
  /** The last event that was read. */
  last: EventReference | undefined;
  /**
   * Instants in the names of files that have been settled to their end, in this run or before, ascending. Of no others:
   * what begins at the end of a file that was never read, and is gone by the next start, does not follow on what was read.
   */
  readonly rotations: number[];
  readonly #options: ProgressOptions;
  readonly #ending = new Map<string, { readonly segment: Segment; readonly length: number }>();
  #lossCount: number;
  #savedAt = 0;
  #saving: Promise<void> = Promise.resolve();
  #saves = 0;
  #dirty = false;
  /** After so many changes of the log, the window has the names of its files. */
  #namesAt = -1;
  #superseded: AuditailError | null = null;
  readonly #unwritable = {};

  constructor(options: ProgressOptions) {
    this.#options = options;
    const { resume, filter } = options;
    this.filterHash = filter.hash;
    this.window = new Window(resume?.segments ?? [], resume?.totals ?? NO_COUNTS);
    this.#lossCount = resume?.losses ?? 0;
    this.last = resume?.last;
    this.rotations = [...(resume?.rotations ?? [])];
  }

  /** Something has moved that the next checkpoint has to hold. */
  touch(): void {
    this.#dirty = true;
  }

  /** The segment has been read to its end: its account is closed once all of it is settled. */
  ended(segment: Segment, length: number): void {
    this.#ending.set(segment.id, { segment, length });
  }

  /** Closes the account of segments that have been read and settled to their end. */
  async finishSettled(signal: AbortSignal): Promise<void> {
    for (const [id, { segment, length }] of this.#ending) {
      if (!this.window.isSettled(id)) continue;
      this.#ending.delete(id);
      await this.#closeAccount(segment, length, signal);
      await this.release(segment);
    }
  }

  /** The ledger first: a segment that the checkpoint calls done has its line there. */
  async #closeAccount(segment: Segment, length: number, signal: AbortSignal): Promise<void> {
    const { id } = segment;
    const { counts = NO_COUNTS, filters } = this.window.record(id) ?? {};
    await this.durably('the ledger', signal, async () => {
      const settled = { id, name: segment.name, bytes: length, counts, ...(filters === undefined ? {} : { filters }) };
      await this.#options.state.segmentSettled(settled);
      return true;
    });
    // Has it grown meanwhile, it is being read on, and ends once more.
    if (!this.window.isSettled(id) || (this.window.record(id)?.settled ?? 0) > length) return;
    this.window.finish(id, segment.name, length);
    this.#learnRotation(segment);
    this.#forgetVanished();
    await this.save();
  }

  /** The log need not keep it for this pipeline any more. */
  async release(segment: Segment): Promise<void> {
    const { log, output, notes } = this.#options;
    try {
      await log.settled(segment, output.name);
    } catch (error) {
      // It is settled all the same; a pin that stays is collected at the next start.
      notes.warn('a settled file could not be given back', {
        output: output.name,
        file: segment.name,
        words: messageOf(error),
      });
    }
  }

  async lose(loss: Loss, signal: AbortSignal): Promise<void> {
    this.losses[loss.reason] = (this.losses[loss.reason] ?? 0) + 1;
    this.#lossCount += 1;
    await this.durably('the ledger', signal, async () => {
      await this.#options.state.lost(loss);
      return true;
    });
    this.#dirty = true;
    const { notes, output } = this.#options;
    const fields = { output: output.name, ...loss };
    if (loss.reason === 'not-taken') notes.warn('a part of the trail is not taken, as startAt says', fields);
    else notes.error('a part of the trail is lost to this output', fields);
  }

  /**
   * Does what the pipeline cannot go on without: until it succeeds (`false` where something is full), the pipeline
   * holds; `resting` is told before each wait. Rejects with the signal's reason, and where another agent has taken over the state.
   */
  async durably(
    what: 'the log' | 'the dead letter' | 'the ledger' | 'the checkpoint',
    signal: AbortSignal,
    act: () => Promise<boolean>,
    resting: () => void = () => undefined,
  ): Promise<void> {
    const { retry, random, sleep, condition } = this.#options;
    const backoff = new Backoff(retry, random);
    const who = {};
    try {
      while (true) {
        signal.throwIfAborted();
        const trouble = await attempt(what, act);
        if (trouble === null) return;
        condition.trouble(who, { state: 'holding', ...trouble });
        resting();
        await sleep(backoff.next(LEAST_WAIT_MS), signal);
      }
    } finally {
      condition.clear(who);
    }
  }

  /** Before a batch is sent. Where a second copy could not be recognised, nothing is sent without the note. */
  async noteBefore(signal: AbortSignal, resting: () => void): Promise<void> {
    if (this.note() || this.#options.output.idempotent) return;
    const act = async () => {
      this.#options.state.note(this.#checkpoint());
      this.#options.condition.clear(this.#unwritable);
      return true;
    };
    await this.durably('the checkpoint', signal, act, resting);
  }

  /** Throws where another agent has taken over the state. */
  note(): boolean {
    this.#throwIfSuperseded();
    try {
      this.#options.state.note(this.#checkpoint());
      this.#options.condition.clear(this.#unwritable);
      return true;
    } catch (error) {
      this.#stateTrouble(error);
      this.#throwIfSuperseded();
      return false;
    }
  }

  /** Whether something has not been forced to disk yet. */
  get unsaved(): boolean {
    return this.#dirty;
  }

  /** Saves where something has changed and the last save is long enough ago; does not wait for the disk. Throws as `note` does. */
  saveIfDue(): void {
    this.#throwIfSuperseded();
    if (this.#options.log.changes !== this.#namesAt) this.#learnNames();
    const due = Date.now() - this.#savedAt >= this.#options.checkpointIntervalMs;
    if (this.#dirty && due && this.#saves === 0) void this.save();
  }

  /** A file may have been settled before its new name was seen: should it be gone by the next start, it is known by that. */
  #learnNames(): void {
    const { changes, segments } = this.#options.log;
    this.#namesAt = changes;
    for (const segment of segments) {
      if (this.window.rename(segment.id, segment.name)) this.#dirty = true;
      if (this.window.record(segment.id)?.done === true) this.#learnRotation(segment);
    }
  }

  #learnRotation({ instantMs }: Segment): void {
    if (instantMs !== null) learnInstant(this.rotations, instantMs);
  }

  /** One at a time; each takes what is so when its turn comes. */
  save(): Promise<void> {
    this.#saving = this.#saveAfter(this.#saving);
    return this.#saving;
  }

  async #saveAfter(before: Promise<void>): Promise<void> {
    this.#saves += 1;
    await before;
    this.#savedAt = Date.now();
    this.#dirty = false;
    try {
      await this.#options.state.save(this.#checkpoint());
      this.#options.condition.clear(this.#unwritable);
    } catch (error) {
      this.#stateTrouble(error);
    }
    this.#saves -= 1;
  }

  #throwIfSuperseded(): void {
    if (this.#superseded !== null) throw this.#superseded;
  }

  /** Progress goes on: what was delivered meanwhile is sent again should the agent die now. */
  #stateTrouble(error: unknown): void {
    this.#dirty = true;
    if (isSuperseded(error)) this.#superseded = error;
    const words = `the checkpoint cannot be written: ${messageOf(error)}`;
    const trouble = { state: 'retrying', reason: 'state-unwritable', words } as const;
    const message = 'the checkpoint cannot be written: what is delivered now would be sent again after a crash';
    this.#options.condition.trouble(this.#unwritable, trouble, {}, message);
  }

  /** Records of settled segments that are no longer there are of no use, but for the newest. */
  #forgetVanished(): void {
    const { log, forgotten } = this.#options;
    if (!log.readable) return;
    const present = new Set(log.segments.map(({ id }) => id));
    const vanished = this.window.records.filter(({ id, done }) => done && !present.has(id));
    for (const { id } of vanished.slice(0, Math.max(0, vanished.length - MAX_VANISHED))) {
      this.window.forget(id);
      forgotten(id);
    }
  }

  #checkpoint(): Checkpoint {
    const { log, output, origin } = this.#options;
    return {
      output: output.name,
      destination: output.destination,
      source: log.name,
      origin,
      filter: this.filterHash,
      segments: this.window.records,
      window: this.window.ranges,
      rotations: [...this.rotations],
      totals: this.window.totals,
      ...(this.last === undefined ? {} : { last: this.last }),
      losses: this.#lossCount,
      writtenAt: new Date().toISOString(),
    };
  }
}

/** Another agent has taken over: whatever this one does from now on would be done twice. */
function isSuperseded(error: unknown): error is AuditailError {
  return error instanceof AuditailError && error.code === 'AUD_STATE_LOCKED';
}

async function attempt(what: string, act: () => Promise<boolean>): Promise<{ reason: string; words: string } | null> {
  try {
    if (await act()) return null;
    const words = `${what} is full: make room with the dead-letter commands, or raise deadLetter.maxBytes`;
    return { reason: 'dead-letter-full', words };
  } catch (error) {
    if (isSuperseded(error)) throw error;
    const reason = what === 'the log' ? 'log-unreadable' : 'state-unwritable';
    return { reason, words: `${what} cannot be used: ${messageOf(error)}` };
  }
}
