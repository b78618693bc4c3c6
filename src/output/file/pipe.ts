import { close, constants, fdatasync, fstat, open, write } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { systemCode } from '../../errors.ts';

const statOf = promisify(fstat);
const sync = promisify(fdatasync);
const openFile = promisify(open);
const closeFile = promisify(close);

const SHORTEST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 100;

/** How far a write got, and why no further. */
export interface Written {
  readonly bytes: number;
  /** What stopped it: a system error, or `undefined` where all was written or the signal was aborted. */
  readonly error?: unknown;
}

/**
 * A descriptor that somebody else gave us, such as standard output: a pipe, a terminal, or a file that the shell has opened. A reader
 * that does not read is waited for without blocking anything else.
 */
export class Pipe {
  readonly #given: number;
  #fd = -1;
  #regular = false;
  /** Whether the last write stopped inside a line. */
  #torn = false;

  constructor(fd: number) {
    this.#given = fd;
  }

  /** Writes whole lines. Where an earlier write stopped inside a line, that line is ended first. */
  async write(lines: Buffer, signal: AbortSignal): Promise<Written> {
    let bytes = 0;
    try {
      if (this.#fd === -1) await this.#open();
      if (this.#torn) {
        if (!(await this.#writeSome(Buffer.from('\n'), 0, signal))) return { bytes };
        this.#torn = false;
      }
      while (bytes < lines.length) {
        const count = await this.#writeSome(lines, bytes, signal);
        if (count === 0) return { bytes };
        bytes += count;
        this.#torn = lines[bytes - 1] !== 0x0a;
      }
      if (this.#regular) await sync(this.#fd);
      return { bytes };
    } catch (error) {
      // What is not on disk for certain counts as not written.
      return { bytes: this.#regular ? 0 : bytes, error };
    }
  }

  /** Lets go of what it has opened itself. */
  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd !== -1 && fd !== this.#given) await closeFile(fd);
  }

  /**
   * A pipe is opened once more, without blocking: a blocked write would hold a thread of the pool, and the agent could not even exit. The
   * flag belongs to our own opening; whoever shares the descriptor notices nothing. Where this can't be done, the given one must do.
   */
  async #open(): Promise<void> {
    const stats = await statOf(this.#given);
    this.#regular = stats.isFile();
    this.#fd = this.#given;
    if (!stats.isFIFO()) return;
    try {
      this.#fd = await openFile(`/proc/self/fd/${this.#given}`, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (!['ENOENT', 'EACCES', 'EPERM', 'ENXIO'].includes(systemCode(error))) throw error;
    }
  }

  /** Bytes written, at least one; 0 where the signal was aborted before any could be. */
  async #writeSome(bytes: Buffer, from: number, signal: AbortSignal): Promise<number> {
    for (let delayMs = SHORTEST_WAIT_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, LONGEST_WAIT_MS)) {
      try {
        const count = await writeOnce(this.#fd, bytes, from);
        if (count > 0) return count;
      } catch (error) {
        if (systemCode(error) !== 'EAGAIN') throw error;
      }
      await pause(delayMs, signal);
    }
    return 0;
  }
}

/** Waits; ends early where the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function writeOnce(fd: number, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, from, bytes.length - from, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
