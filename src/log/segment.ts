import { Serial } from '../serial.ts';
import { Descriptor } from './descriptor.ts';
import type { Content } from './content.ts';
import {
  IrregularFile,
  isMissing,
  missing,
  openRegular,
  sameFile,
  type FileFacts,
  type FileKey,
  type LogFiles,
} from './files.ts';
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
  /** False once the segment is read from another file: a longer copy, or the plain one of a compressed. */
  isCurrent(): boolean;
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
  /** When its plain file was last written to, wall clock; null where only a name tells when it ended. */
  writtenMs: number | null = null;
  /** Kernel identity of the plain file. */
  key: FileKey | null = null;
  /** Bytes of uncompressed content as far as known: for a compressed one nothing is known before it has been read. */
  size = 0;
  /** Bytes of the plain file, when it was last looked at. */
  plainBytes = 0;
  /** Bytes of the compressed file, 0 where there is none. */
  gzipBytes = 0;
  /** Whether its writer has gone on to another file. */
  closed = false;
  /** Whether it was rotated while it was followed, and the name that it got has not been seen yet. */
  awaitsName = false;
  /** Whether it was seen to take over from the segment before it, so that no other can have been between them. */
  chained = false;
  /** Whether it was seen to come a moment after the one before it was still there, or nothing was. */
  watched = false;
  /** Why its bytes are not to be had any more. */
  gone: LossReason | null = null;
  /** What will have been the reason, should its bytes turn out not to be had any more. */
  fate: LossReason = 'deleted';
  /** Readers that have not settled it to its end. */
  readonly unsettledBy = new Set<string>();

  readonly #files: LogFiles;
  /** The descriptor through which it is read now, and those that are still lent out after a better one was found. */
  #current: Descriptor | null = null;
  readonly #retired = new Set<Descriptor>();
  #held = false;
  /** Opening and closing happen one after the other, so that two readers never open it twice. */
  readonly #turns = new Serial();

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

  /** Bytes that take space on the disk only because of this agent. */
  get keptBytes(): number {
    const { plain, gzip, pin } = this.places;
    if (plain !== null) return 0;
    const pinned = pin !== null && !pin.endsWith('.gz');
    if (pinned || this.#current?.compressed === false) return this.size;
    return gzip === null && (pin !== null || this.#current !== null) ? this.gzipBytes : 0;
  }

  /** Whether its bytes outlive the writer's deletion only because of this agent. */
  get retained(): boolean {
    return (
      this.places.plain === null && this.places.gzip === null && (this.places.pin !== null || this.#current !== null)
    );
  }

  /** Whether it can be had uncompressed, as far as is known. */
  get hasPlain(): boolean {
    const { plain, pin } = this.places;
    return plain !== null || (pin !== null && !pin.endsWith('.gz'));
  }

  get reachable(): boolean {
    const { plain, gzip, pin } = this.places;
    return this.#current !== null || plain !== null || pin !== null || gzip !== null;
  }

  /** Its plain file stands under a name, and was so long when it was looked at. */
  placePlain(path: string, key: FileKey, bytes: number): void {
    this.places.plain = path;
    this.key = key;
    this.plainBytes = bytes;
  }

  /** Takes over a descriptor that has been opened for it already, and holds it. */
  adopt(fd: number, key: FileKey, compressed: boolean): Promise<void> {
    return this.#turns.run(async () => {
      this.#held = true;
      const current = this.#current;
      // A compressed file is never a better one than a plain file that is open.
      if (current !== null && (sameFile(current.key, key) || (compressed && !current.compressed))) {
        await this.#files.close(fd);
        return;
      }
      this.#current = new Descriptor(this.#files, fd, key, compressed);
      if (current !== null) await this.#retire(current);
    });
  }

  /** It has a plain file that is better than the one it was read from: whoever opens it opens that. */
  outdate(better: FileKey): Promise<void> {
    return this.#turns.run(async () => {
      const current = this.#current;
      if (current === null || sameFile(current.key, better)) return;
      this.#current = null;
      this.#held = false;
      await this.#retire(current);
    });
  }

  /** Throws what `lease` throws. */
  hold(): Promise<void> {
    return this.#turns.run(async () => {
      await this.#open();
      this.#held = true;
    });
  }

  letGo(): Promise<void> {
    return this.#turns.run(async () => {
      this.#held = false;
      await this.#closeIfUnused();
    });
  }

  /** Lets go, and takes back what is lent out too: its bytes, or the space they take, are needed no longer. */
  revoke(): Promise<void> {
    return this.#turns.run(async () => {
      this.#held = false;
      const descriptors = [...this.#retired, ...(this.#current === null ? [] : [this.#current])];
      this.#current = null;
      this.#retired.clear();
      const closed = await Promise.allSettled(descriptors.map((descriptor) => descriptor.close()));
      const failed = closed.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    });
  }

  /** Throws what opening the file throws; `ENOENT` where it is in none of its places. */
  async lease(): Promise<Lease> {
    const descriptor = await this.#turns.run(async () => {
      const open = await this.#open();
      open.users += 1;
      return open;
    });
    const content = descriptor.content();
    return {
      content,
      compressed: descriptor.compressed,
      isCurrent: () => descriptor === this.#current,
      facts: () => descriptor.facts(),
      release: async () => {
        await content.close();
        await this.#turns.run(async () => {
          descriptor.users -= 1;
          if (descriptor === this.#current) await this.#closeIfUnused();
          else await this.#retire(descriptor);
        });
      },
    };
  }

  async #open(): Promise<Descriptor> {
    const current = this.#current;
    // A compressed file is no longer the best place once a plain one can be read (and the reverse never).
    if (current !== null && (!current.compressed || !this.hasPlain)) return current;
    let failure: unknown = null;
    for (const [path, compressed] of this.#candidates()) {
      try {
        const opened = await this.#openPlace(path, compressed);
        this.#current = opened;
        if (current !== null) await this.#retire(current);
        return opened;
      } catch (error) {
        if (failure === null || isMissing(failure)) failure = error;
      }
    }
    if (current !== null) return current;
    throw failure ?? missing(this.name);
  }

  async #openPlace(path: string, compressed: boolean): Promise<Descriptor> {
    const { fd, facts } = await openRegular(this.#files, path).catch((error: unknown) => {
      throw error instanceof IrregularFile ? missing(path) : error;
    });
    // Between the listing and now the name may have passed to another file.
    if (compressed || this.key === null || sameFile(facts, this.key))
      return new Descriptor(this.#files, fd, facts, compressed);
    await this.#files.close(fd);
    throw missing(`${path} as it was`);
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
    const current = this.#current;
    if (current === null || this.#held || current.users > 0) return;
    this.#current = null;
    await current.close();
  }

  async #retire(descriptor: Descriptor): Promise<void> {
    if (descriptor.users > 0) {
      this.#retired.add(descriptor);
      return;
    }
    this.#retired.delete(descriptor);
    await descriptor.close();
  }
}
