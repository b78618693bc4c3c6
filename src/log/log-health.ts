import type { LogNames } from './file-name.ts';
import type { Anomaly } from './reader.ts';

/** Whether the log can be followed, and what is in the way: said once, when that changes. */
export class LogHealth {
  readonly #names: LogNames;
  readonly #anomaly: Anomaly;
  #readable = false;
  #words = 'not looked at yet';

  constructor(names: LogNames, anomaly: Anomaly) {
    this.#names = names;
    this.#anomaly = anomaly;
  }

  get readable(): boolean {
    return this.#readable;
  }

  /** Empty where nothing is in the way. */
  get words(): string {
    return this.#readable ? '' : this.#words;
  }

  /** A look has succeeded; `there` where it has found any file of the log. */
  works(there: boolean): void {
    const live = this.#names.path(this.#names.live);
    this.#tell(there, `${live} is not there yet; the API server creates it with the first event`);
  }

  /** A look has failed; `words` say why. */
  fails(words: string): void {
    this.#tell(false, words);
  }

  #tell(readable: boolean, words: string): void {
    if (this.#readable === readable && (readable || this.#words === words)) return;
    this.#readable = readable;
    this.#words = words;
    const file = this.#names.path(this.#names.live);
    if (readable) this.#anomaly('readable', 'the log is being followed', { file });
    else this.#anomaly('unreadable', 'the log cannot be followed yet', { file, reason: words });
  }
}
