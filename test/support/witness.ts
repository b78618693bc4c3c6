import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';

export interface WitnessData {
  readonly directory: string;
  readonly into: string;
  /** Anything but 0 in its first element ends the thread. */
  readonly stop: Int32Array;
}

/** A file of the log, from the moment it was there. */
export interface Sighting {
  readonly link: string;
  /** When the filesystem made it, ms. */
  readonly bornMs: number;
  /** When a pin of the agent's was first seen, ms; `null` where none was. */
  pinnedMs: number | null;
}

export interface Seen {
  /** In the order of their making. */
  readonly files: readonly Sighting[];
  /** The longest time between two looks: how exact the times are. */
  readonly maxGapMs: number;
}

/**
 * Knows all that was ever written to a log, independently of the agent: a thread links every file of the log's directory
 * into one of its own as soon as it appears, so that the writer's deletion does not touch it.
 */
export class Witness {
  readonly #into: string;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #seen: Promise<Seen>;

  /** `into`: a directory on the filesystem of the log, not there yet. */
  constructor(auditLog: string, into: string) {
    mkdirSync(into);
    this.#into = into;
    const workerData: WitnessData = { directory: dirname(auditLog), into, stop: this.#stop };
    this.#worker = new Worker(new URL('witness-thread.ts', import.meta.url), { workerData });
    this.#seen = new Promise((resolve, reject) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', reject);
    });
    // Whoever stops it learns what went wrong; nobody may be waiting before.
    this.#seen.catch(() => undefined);
  }

  /** All complete lines so far, in the order of the log. */
  lines(): readonly Buffer[] {
    return linksIn(this.#into).flatMap((link) => linesOf(readFileSync(link)));
  }

  /** How many files there have been. */
  get fileCount(): number {
    return linksIn(this.#into).length;
  }

  async stop(): Promise<Seen> {
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
    return this.#seen;
  }
}

/** The name of a content: the first 128 bits of SHA-256 over the raw line, as the agent's ids are by its documentation. */
export function contentName(line: Buffer): string {
  return createHash('sha256').update(line).digest().subarray(0, 16).toString('base64url');
}

export function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
    if (end > start) lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

/** In the order in which the filesystem made them: one look may find two new files. */
function linksIn(folder: string): readonly string[] {
  const links = readdirSync(folder).map((name) => join(folder, name));
  const born = new Map(links.map((link) => [link, statSync(link, { bigint: true }).birthtimeNs]));
  return links.sort((a, b) => Number((born.get(a) ?? 0n) - (born.get(b) ?? 0n)));
}
