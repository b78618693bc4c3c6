import { GzipContent, PlainContent, type Content } from './content.ts';
import { missing, type FileFacts, type FileKey, type LogFiles } from './files.ts';

/** One open file of a segment. Closed once, and never while it is being read: its number may pass to another file. */
export class Descriptor {
  readonly key: FileKey;
  readonly compressed: boolean;
  /** Leases that are out. */
  users = 0;
  readonly #files: LogFiles;
  readonly #fd: number;
  #closed = false;
  #calls = 0;
  #idle: () => void = () => undefined;

  constructor(files: LogFiles, fd: number, key: FileKey, compressed: boolean) {
    this.#files = files;
    this.#fd = fd;
    this.key = key;
    this.compressed = compressed;
  }

  /** Reading from it throws `ENOENT` once the descriptor has been closed. */
  content(): Content {
    const files = { read: this.#read.bind(this) };
    return this.compressed ? new GzipContent(files, this.#fd) : new PlainContent(files, this.#fd);
  }

  facts(): Promise<FileFacts> {
    return this.#call(() => this.#files.facts(this.#fd));
  }

  /** Waits for calls that are under way. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#calls > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.#files.close(this.#fd);
  }

  #read(fd: number, into: Buffer, at: number, length: number, offset: number): Promise<number> {
    return this.#call(() => this.#files.read(fd, into, at, length, offset));
  }

  async #call<T>(act: () => Promise<T>): Promise<T> {
    if (this.#closed) throw missing('a file that was let go');
    this.#calls += 1;
    try {
      return await act();
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#idle();
    }
  }
}
