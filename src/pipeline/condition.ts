import type { LastError, PipelineStatus } from '../inspect/status.ts';
import { type Fields, type PipelineNotes, Repeats } from './notes.ts';

/** What keeps one batch, or one step, from going on. */
export interface Trouble {
  readonly state: 'retrying' | 'holding';
  readonly reason: string;
  readonly words: string;
}

const MESSAGES = {
  retrying: 'the receiver did not take a batch: it is sent again',
  holding: 'the pipeline holds: nothing is lost, and nothing goes on until this is mended',
} as const;

/**
 * How a pipeline is: the worst of what its batches in flight and its own steps have met. Trouble belongs to whoever has
 * it, so that a batch that gets through says nothing of another that does not.
 */
export class Condition {
  readonly #output: string;
  readonly #notes: PipelineNotes;
  readonly #repeats = new Repeats();
  readonly #troubles = new Map<object, Trouble>();
  #calm: 'starting' | 'idle' | 'shipping' | 'stopped' = 'starting';
  #told = '';
  #last: LastError | null = null;

  constructor(output: string, notes: PipelineNotes) {
    this.#output = output;
    this.#notes = notes;
  }

  get state(): PipelineStatus['state'] {
    return this.#calm === 'stopped' ? 'stopped' : (this.#worst?.state ?? this.#calm);
  }

  get reason(): string {
    return this.#worst?.reason ?? '';
  }

  get words(): string {
    return this.#worst?.words ?? '';
  }

  /** What was last in its way, also after it was overcome. */
  get lastError(): LastError | null {
    return this.#last;
  }

  /** How it is while nothing is in its way. */
  calm(state: 'starting' | 'idle' | 'shipping' | 'stopped'): void {
    this.#calm = state;
  }

  trouble(who: object, trouble: Trouble, fields: Fields = {}, message: string = MESSAGES[trouble.state]): void {
    this.#troubles.set(who, trouble);
    this.#last = { at: new Date().toISOString(), reason: trouble.reason, words: trouble.words };
    const key = `${trouble.state} ${trouble.reason}`;
    if (key === this.#told) return;
    const times = this.#repeats.due(key);
    if (times === null) return;
    this.#told = key;
    const { state, reason, words } = trouble;
    const all = { output: this.#output, reason, words, ...(times > 1 ? { times } : {}), ...fields };
    this.#notes[state === 'holding' ? 'error' : 'warn'](message, all);
  }

  clear(who: object): void {
    if (!this.#troubles.delete(who) || this.#troubles.size > 0 || this.#told === '') return;
    this.#told = '';
    this.#notes.info('the pipeline goes on', { output: this.#output });
  }

  get #worst(): Trouble | undefined {
    let worst: Trouble | undefined;
    for (const trouble of this.#troubles.values()) {
      if (trouble.state === 'holding') return trouble;
      worst = trouble;
    }
    return worst;
  }
}
