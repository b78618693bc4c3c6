import type { JournalEncoder } from './checkpoint-journal.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { StateFiles } from './files.ts';

/** Only the newest line counts, so a journal that has grown to this starts over with it. */
const MAX_JOURNAL_BYTES = 4 * 1024 * 1024;
const NEWLINE = Buffer.from('\n');

/** The file behind the notes over one checkpoint file, created at the first. Everything here blocks, for microseconds. */
export class Journal {
  readonly #files: StateFiles;
  readonly #path: string;
  readonly #encoder: JournalEncoder;
  #fd: number | undefined;
  #size = 0;
  /** Whether the last line may be incomplete: the next one must not be glued to it. */
  #torn = true;

  constructor(files: StateFiles, path: string, encoder: JournalEncoder) {
    this.#files = files;
    this.#path = path;
    this.#encoder = encoder;
  }

  append(number: number, checkpoint: Checkpoint): void {
    const line = this.#encoder.encode(number, checkpoint);
    if (this.#size + line.length > MAX_JOURNAL_BYTES) this.#startOver(line);
    else this.#extend(line);
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) this.#files.closeNow(fd);
  }

  #extend(line: Buffer): void {
    this.#fd ??= this.#files.openNow(this.#path, 'a');
    const bytes = this.#torn ? Buffer.concat([NEWLINE, line]) : line;
    this.#torn = true;
    this.#write(this.#fd, bytes);
    this.#torn = false;
    this.#size += bytes.length;
  }

  #startOver(line: Buffer): void {
    const temporary = `${this.#path}.tmp`;
    const fd = this.#files.openNow(temporary, 'w');
    try {
      this.#write(fd, line);
      this.#files.renameNow(temporary, this.#path);
    } catch (error) {
      this.#files.closeNow(fd);
      throw error;
    }
    this.close();
    this.#fd = fd;
    this.#size = line.length;
    this.#torn = false;
  }

  #write(fd: number, bytes: Buffer): void {
    for (let done = 0; done < bytes.length; ) {
      const more = this.#files.writeNow(fd, done === 0 ? bytes : bytes.subarray(done));
      if (more === 0) throw new Error('the system took no bytes');
      done += more;
    }
  }
}
