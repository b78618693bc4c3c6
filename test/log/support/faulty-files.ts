import { LOG_FILES, type LogFiles } from '../../../src/log/files.ts';

export type Call = keyof LogFiles;

function failure(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: injected into ${call}`), { code });
}

/** The real file system, of which the Nth call fails. */
export class FaultyFiles implements LogFiles {
  readonly calls: Call[] = [];
  readonly #fails: number;
  readonly #code: string;

  /** `fails` counts from 0; nothing fails where it is -1. */
  constructor(fails = -1, code = 'EIO') {
    this.#fails = fails;
    this.#code = code;
  }

  /** The call that failed. */
  get failed(): Call | undefined {
    return this.calls[this.#fails];
  }

  list(directory: string): Promise<string[]> {
    return this.#call('list', () => LOG_FILES.list(directory));
  }

  open(path: string): Promise<number> {
    return this.#call('open', () => LOG_FILES.open(path));
  }

  async close(fd: number): Promise<void> {
    // The kernel frees the descriptor whatever close(2) answers.
    await LOG_FILES.close(fd);
    await this.#call('close', () => Promise.resolve());
  }

  facts(fd: number): ReturnType<LogFiles['facts']> {
    return this.#call('facts', () => LOG_FILES.facts(fd));
  }

  factsOf(path: string): ReturnType<LogFiles['factsOf']> {
    return this.#orNull('factsOf', () => LOG_FILES.factsOf(path));
  }

  factsOfName(path: string): ReturnType<LogFiles['factsOfName']> {
    return this.#orNull('factsOfName', () => LOG_FILES.factsOfName(path));
  }

  read(fd: number, into: Buffer, at: number, length: number, offset: number): Promise<number> {
    return this.#call('read', () => LOG_FILES.read(fd, into, at, length, offset));
  }

  link(from: string, to: string): Promise<void> {
    return this.#call('link', () => LOG_FILES.link(from, to));
  }

  unlink(path: string): Promise<void> {
    return this.#call('unlink', () => LOG_FILES.unlink(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call('makeDirectory', () => LOG_FILES.makeDirectory(path));
  }

  space(path: string): ReturnType<LogFiles['space']> {
    return this.#call('space', () => LOG_FILES.space(path));
  }

  async #call<T>(call: Call, act: () => Promise<T>): Promise<T> {
    this.calls.push(call);
    if (this.calls.length - 1 === this.#fails) throw failure(this.#code, call);
    return act();
  }

  /** Where a file is missing, these say so instead of failing. */
  async #orNull<T>(call: Call, act: () => Promise<T | null>): Promise<T | null> {
    try {
      return await this.#call(call, act);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }
}
