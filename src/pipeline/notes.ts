/** What a pipeline has to say to people; static messages, data in fields, never content of events. */
export interface PipelineNotes {
  info(message: string, fields: Fields): void;
  warn(message: string, fields: Fields): void;
  error(message: string, fields: Fields): void;
  sent(seconds: number, bytes: number, result: 'stored' | 'again'): void;
}

export type Fields = Readonly<Record<string, unknown>>;

const QUIET_MS = 60_000;
const MAX_KEYS = 200;

/** Says the same thing once a minute at most, and then how much of it there was since. */
export class Repeats {
  readonly #now: () => number;
  readonly #said = new Map<string, { at: number; since: number }>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** How much there was since it was last said, this included; null where it is not to be said now. */
  due(key: string, count = 1): number | null {
    const said = this.#said.get(key);
    if (said !== undefined && this.#now() - said.at < QUIET_MS) {
      said.since += count;
      return null;
    }
    // Reasons are a receiver's words in part: there is no end to them.
    if (this.#said.size >= MAX_KEYS) this.#said.clear();
    this.#said.set(key, { at: this.#now(), since: 0 });
    return count + (said?.since ?? 0);
  }
}

/** Notes that go to a log; `sent` is told of requests. */
export function notesTo(
  log: Readonly<Record<'info' | 'warn' | 'error', (fields: Fields, message: string) => void>>,
  sent: PipelineNotes['sent'],
): PipelineNotes {
  return {
    info: (message, fields) => log.info(fields, message),
    warn: (message, fields) => log.warn(fields, message),
    error: (message, fields) => log.error(fields, message),
    sent,
  };
}
