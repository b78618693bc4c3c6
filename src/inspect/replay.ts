import { createHash } from 'node:crypto';
import type { Event, Malformed } from '../event/event.ts';
import type { Again, Output, SendResult } from '../output/output.ts';
import { BatchBuilder } from '../pipeline/batch.ts';
import type { DeadLetterKey } from '../state/dead-letter-record.ts';
import type { ReplayRefusal } from '../state/dead-letter-refusals.ts';
import type { DeadLetter } from '../state/read-dead-letter.ts';

/** A view that can be put over the bytes of an event. */
export interface EventReader extends Event {
  read(bytes: Buffer, start: number, end: number): Malformed | null;
}

export interface ReplayOptions {
  readonly output: Output;
  readonly event: EventReader;
  /** Takes what was delivered out of the dead letter, durably. */
  readonly remove: (keys: readonly DeadLetterKey[]) => Promise<void>;
  /** Keeps what the receiver said of records that it was sent again and did not take, durably. */
  readonly refused: (refusals: readonly ReplayRefusal[]) => Promise<void>;
  /** Told of each record that stays, and why. */
  readonly kept: (letter: DeadLetter, reason: string, words: string) => void;
  readonly progress: (delivered: number) => void;
  readonly sleep: (ms: number) => Promise<void>;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export interface Replayed {
  readonly delivered: number;
  /** Refused again, or still too large: they stay where they were. */
  readonly kept: number;
  /** Why it ended before the end, where it did: the receiver is busy or gone, or somebody has to mend something. */
  readonly gaveUp: Again | null;
}

const MAX_RECORDS = 100;
/** What an encoding adds to an event, at most about. */
const ENCODING_BYTES = 4096;
const MAX_TRIES = 5;
const FIRST_WAIT_MS = 500;
/** A person waits before it: what the receiver wants later than this can be tried later. */
const MAX_WAIT_MS = 60_000;

/**
 * Sends what was set aside once more, through the encoder of its output, a batch at a time. A record leaves the dead
 * letter only after the receiver has taken it: whatever happens in between, it is sent again rather than lost.
 */
export async function replay(letters: AsyncIterable<DeadLetter>, options: ReplayOptions): Promise<Replayed> {
  const run = new Replay(options);
  for await (const letter of letters) {
    if (options.signal.aborted || run.gaveUp !== null) break;
    await run.add(letter);
  }
  await run.flush();
  return { delivered: run.delivered, kept: run.kept, gaveUp: run.gaveUp };
}

class Replay {
  delivered = 0;
  kept = 0;
  gaveUp: Again | null = null;
  readonly #options: ReplayOptions;
  #builder = new BatchBuilder(64 * 1024);
  #letters: DeadLetter[] = [];
  #refusals: ReplayRefusal[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  async add(letter: DeadLetter): Promise<void> {
    const { output, event } = this.#options;
    const [first] = this.#letters;
    const tooMuch = this.#builder.length + letter.length + ENCODING_BYTES > output.maxBatchBytes;
    const elsewhere = first !== undefined && first.meta.source !== letter.meta.source;
    if (this.#letters.length === MAX_RECORDS || elsewhere || (tooMuch && first !== undefined)) await this.flush();
    if (this.gaveUp !== null) return;
    const bytes = await letter.bytes();
    const malformed = event.read(bytes, 0, bytes.length);
    if (malformed !== null) {
      this.#keep(letter, malformed, 'it is no event that an output could send');
      return;
    }
    const start = this.#builder.length;
    const outcome = output.encode(event, { bytes, start: 0, end: bytes.length }, this.#builder);
    if (outcome === null) {
      this.#builder.add(start, letter.meta.offset);
      this.#letters.push(letter);
      return;
    }
    this.#builder.undo(start);
    if ('reason' in outcome) this.#keep(letter, outcome.reason, outcome.words);
    else
      this.#keep(
        letter,
        (letter.refusal ?? letter.meta).reason,
        `it fits only without its ${outcome.reduced}, as it was sent before`,
      );
  }

  async flush(): Promise<void> {
    const letters = this.#letters;
    const [first] = letters;
    if (first === undefined || this.gaveUp !== null || this.#options.signal.aborted) return;
    const { source, segment, offset } = first.meta;
    const to = letters.reduce((end, { meta, length }) => Math.max(end, meta.offset + length), 0);
    const batch = this.#builder.seal(batchKey(letters), source, { segment, from: offset, to });
    this.#letters = [];
    this.#builder = new BatchBuilder(64 * 1024);
    await this.#send(
      letters.map((_, item) => item),
      letters,
      (items, signal) => this.#options.output.send({ batch, items }, signal),
      1,
    );
    const refusals = this.#refusals;
    this.#refusals = [];
    if (refusals.length > 0) await this.#options.refused(refusals);
  }

  async #send(items: readonly number[], letters: readonly DeadLetter[], send: Send, attempt: number): Promise<void> {
    const { signal, remove, progress } = this.#options;
    const result = await send(items, signal);
    const stored = storedItems(items, result).map((item) => (letters[item] as DeadLetter).key);
    if (stored.length > 0) await remove(stored);
    this.delivered += stored.length;
    progress(this.delivered);
    for (const rejection of result.rejected) this.#refuse(letters[rejection.item] as DeadLetter, rejection);
    for (const again of result.again) await this.#again(again, letters, send, attempt);
  }

  async #again(again: Again, letters: readonly DeadLetter[], send: Send, attempt: number): Promise<void> {
    if (this.gaveUp !== null || this.#options.signal.aborted) return;
    const [only] = again.items;
    if (again.how === 'split' || again.how === 'suspect') {
      if (again.items.length === 1) return this.#refuse(letters[only as number] as DeadLetter, again);
      // One by one shows which of them is at fault.
      for (const item of again.items) await this.#send([item], letters, send, attempt);
      return;
    }
    if (again.how === 'hold' || attempt >= MAX_TRIES || (again.retryAfterMs ?? 0) > MAX_WAIT_MS) {
      this.gaveUp = again;
      return;
    }
    await this.#options.sleep(again.retryAfterMs ?? FIRST_WAIT_MS * 2 ** (attempt - 1));
    await this.#send(again.items, letters, send, attempt + 1);
  }

  /** The receiver had it before it, and did not take it. */
  #refuse(letter: DeadLetter, { status, reason, words }: Pick<Again, 'status' | 'reason' | 'words'>): void {
    const replays = (letter.refusal?.replays ?? 0) + 1;
    const at = new Date(this.#options.now()).toISOString();
    this.#refusals.push({ key: letter.key, status, reason, words, replays, at });
    this.#keep(letter, reason, words);
  }

  #keep(letter: DeadLetter, reason: string, words: string): void {
    this.kept += 1;
    this.#options.kept(letter, reason, words);
  }
}

type Send = (items: readonly number[], signal: AbortSignal) => Promise<SendResult>;

function storedItems(items: readonly number[], { rejected, again }: SendResult): readonly number[] {
  const open = new Set([...rejected.map(({ item }) => item), ...again.flatMap((one) => one.items)]);
  return items.filter((item) => !open.has(item));
}

/** The same for the same records, so that a receiver can tell a replay that is tried twice. */
function batchKey(letters: readonly DeadLetter[]): string {
  const names = letters.map(({ key, meta }) =>
    JSON.stringify([meta.output, key.source, key.segment, key.offset, key.record]),
  );
  return createHash('sha256')
    .update(['replay', ...names].join('\n'))
    .digest('hex')
    .slice(0, 32);
}
