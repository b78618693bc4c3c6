import type { Piece } from '../log/cursor.ts';
import type { Log } from '../log/log.ts';
import { type PipelineNotes, Repeats } from './notes.ts';
import type { PipelineState } from './pipeline-state.ts';
import type { Progress } from './progress.ts';

export type LongLine = Extract<Piece, { kind: 'oversize' }>;

export interface LongLinesOptions {
  readonly log: Log;
  readonly maxLineBytes: number;
  readonly state: PipelineState;
  readonly notes: PipelineNotes;
  readonly progress: Progress;
}

/** Sets lines aside that are too long to be held, straight from disk. */
export class LongLines {
  readonly #options: LongLinesOptions;
  readonly #repeats = new Repeats();

  constructor(options: LongLinesOptions) {
    this.#options = options;
  }

  /** Resolves when it is in the dead letter; rejects with the signal's reason. */
  async setAside({ segment, offset, end }: LongLine, signal: AbortSignal): Promise<void> {
    const { log, maxLineBytes, state, progress } = this.#options;
    this.#tell(segment.name, offset, end - offset);
    const letter = {
      source: log.name,
      segment: segment.id,
      name: segment.name,
      offset,
      reason: 'oversize',
      status: 0,
      words: `longer than maxLineBytes (${maxLineBytes})`,
    };
    await progress.durably('the dead letter', signal, async () => {
      const lease = await segment.lease();
      try {
        const { content } = lease;
        const read = (at: number, into: Buffer) => content.read(offset + at, into, 0, into.length);
        return await state.setAsideLong(letter, end - offset, read);
      } finally {
        await lease.release();
      }
    });
  }

  #tell(file: string, offset: number, bytes: number): void {
    const lines = this.#repeats.due('oversize');
    if (lines === null) return;
    const fields = { file, offset, bytes, ...(lines > 1 ? { lines } : {}) };
    this.#options.notes.warn('a line is longer than maxLineBytes and is set aside', fields);
  }
}
