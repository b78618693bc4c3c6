import { codeOf, isMissing } from './files.ts';
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

  fails(error: unknown): void {
    this.#tell(false, describe(error, this.#names.directory));
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

function describe(error: unknown, directory: string): string {
  if (isMissing(error)) return `the directory ${directory} is not there`;
  const code = codeOf(error);
  const words = error instanceof Error ? error.message : String(error);
  if (code !== 'EACCES' && code !== 'EPERM') return words;
  return `uid ${process.geteuid?.() ?? '?'} may not read it: ${words}`;
}
