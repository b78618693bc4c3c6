import { GzipContent, PlainContent, type Content } from './content.ts';
import { sameFile, type FileFacts, type FileKey, type LogFiles } from './files.ts';
import type { EventReference, LossReason } from './loss.ts';

/** Where the bytes of a segment can be had. At most one plain file, one compressed one and one pin. */
export interface Places {
  plain: string | null;
  gzip: string | null;
  pin: string | null;
}

/** The content of a segment, lent to a reader; the descriptor stays open until it is given back. */
export interface Lease {
  readonly content: Content;
  readonly compressed: boolean;
  /** Size of the file now, as stored (compressed where it is), and how many names it has. */
  facts(): Promise<FileFacts>;
  release(): Promise<void>;
}

/**
 * One file of the log under whatever name it has now. It is identified by its first line, found again by it under any
 * name, and shared by all readers; each reader has its own offset in it.
 */
export class Segment {
  readonly id: string;
  /** The first event of it, where the first line is one. */
  readonly first: EventReference | null;
  readonly places: Places = { plain: null, gzip: null, pin: null };
  /** Last known file name, for people. */
  name: string;
  /** When it was rotated, from its name; null while it is live, and where the name was never seen. */
  instantMs: number | null = null;
  /** Kernel identity of the plain file. */
  key: FileKey | null = null;
  /** Bytes of uncompressed content as far as known: for a compressed one nothing is known before it has been read. */
  size = 0;
  /** Whether its writer has gone on to another file. */
  closed = false;
  /** Whether it was seen to take over from the segment before it, so that no other can have been between them. */
  chained = false;
  /** Why its bytes are not to be had any more. */
  gone: LossReason | null = null;
  /** Readers that have not settled it to its end. */
  readonly unsettledBy = new Set<string>();

  readonly #files: LogFiles;
  #fd: number | null = null;
  #fdCompressed = false;
  #users = 0;
  #held = false;
  #opening: Promise<void> = Promise.resolve();

  constructor(files: LogFiles, id: string, name: string, first: EventReference | null) {
    this.#files = files;
    this.id = id;
    this.name = name;
    this.first = first;
  }

  /** Whether a descriptor is kept so that the content survives the deletion of the file. */
  get held(): boolean {
    return this.#held;
  }

  /** Whether its bytes outlive the writer's deletion only because of this agent. */
  get retained(): boolean {
    return this.places.plain === null && this.places.gzip === null && (this.places.pin !== null || this.#fd !== null);
  }

  get reachable(): boolean {
    return this.#fd !== null || this.places.plain !== null || this.places.pin !== null || this.places.gzip !== null;
  }

  /** Takes over a descriptor that has been opened for it already. */
  adopt(fd: number, compressed: boolean): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#fd !== null) {
        await this.#files.close(fd);
        return;
      }
      this.#fd = fd;
      this.#fdCompressed = compressed;
      this.#held = true;
    });
  }

  hold(): Promise<void> {
    return this.#exclusively(async () => {
      await this.#ensureOpen();
      this.#held = true;
    });
  }

  letGo(): Promise<void> {
    return this.#exclusively(async () => {
      this.#held = false;
      await this.#closeIfUnused();
    });
  }

  /** Throws what opening the file throws; `ENOENT` where it is in none of its places. */
  async lease(): Promise<Lease> {
    await this.#exclusively(async () => {
      await this.#ensureOpen();
      this.#users += 1;
    });
    const fd = this.#fd as number;
    const compressed = this.#fdCompressed;
    const content = compressed ? new GzipContent(this.#files, fd) : new PlainContent(this.#files, fd);
    return {
      content,
      compressed,
      facts: () => this.#files.facts(fd),
      release: () =>
        this.#exclusively(async () => {
          content.close();
          this.#users -= 1;
          await this.#closeIfUnused();
        }),
    };
  }

  async #ensureOpen(): Promise<void> {
    if (this.#fd !== null) {
      // A compressed descriptor is no longer the best place once the plain file can be read (and the reverse never).
      if (!this.#fdCompressed || this.places.plain === null || this.#users > 0) return;
      await this.#files.close(this.#fd);
      this.#fd = null;
    }
    let failure: unknown;
    for (const [path, compressed] of this.#candidates()) {
      try {
        const fd = await this.#files.open(path);
        const facts = await this.#files.facts(fd);
        // Between the listing and now the name may have passed to another file.
        if (!compressed && this.key !== null && !sameFile(facts, this.key)) {
          await this.#files.close(fd);
          failure = Object.assign(new Error(`${path} is another file by now`), { code: 'ENOENT' });
          continue;
        }
        this.#fd = fd;
        this.#fdCompressed = compressed;
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? Object.assign(new Error(`${this.name} is gone`), { code: 'ENOENT' });
  }

  #candidates(): [string, boolean][] {
    const { plain, pin, gzip } = this.places;
    const candidates: [string, boolean][] = [];
    if (plain !== null) candidates.push([plain, false]);
    if (pin !== null) candidates.push([pin, pin.endsWith('.gz')]);
    if (gzip !== null) candidates.push([gzip, true]);
    return candidates;
  }

  async #closeIfUnused(): Promise<void> {
    if (this.#fd === null || this.#held || this.#users > 0) return;
    const fd = this.#fd;
    this.#fd = null;
    await this.#files.close(fd);
  }

  /** Opening and closing are asynchronous; one after the other, so that two readers never open it twice. */
  #exclusively(act: () => Promise<void>): Promise<void> {
    const turn = this.#opening.then(act);
    this.#opening = turn.then(undefined, () => undefined);
    return turn;
  }
}
