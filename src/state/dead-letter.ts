import path from 'node:path';
import { keyOf, placeKey } from './dead-letter-record.ts';
import type { DeadLetterKey, DeadLetterMeta } from './dead-letter-record.ts';
import { number, pendingBytes, pendingFrom, writeRecords } from './dead-letter-write.ts';
import type { Numbered, Pending, ReadAt } from './dead-letter-write.ts';
import type { Fence } from './fence.ts';
import { REAL_FILES, removeIfThere, syncDirectory } from './files.ts';
import type { StateFiles } from './files.ts';
import type { StateFinding } from './finding.ts';
import { KeySet } from './key-set.ts';
import { readRemovals, removeDeadLetters } from './read-dead-letter.ts';
import { RecordFiles } from './record-files.ts';
import { Serial } from '../serial.ts';
import { unwritable } from './unwritable.ts';

const MAX_FILE_BYTES = 16 * 1024 * 1024;

export interface DeadLetterRecord {
  readonly meta: DeadLetterMeta;
  readonly bytes: Buffer;
}

/** `full`: nothing of this call was written, `neededBytes` would not fit; otherwise how many were not there before. */
export type Appended =
  | { readonly full: true; readonly neededBytes: number }
  | { readonly full: false; readonly added: number };

export interface DeadLetterOptions {
  /** Bound on all files together, headers included. */
  readonly maxBytes: number;
  readonly maxFileBytes?: number;
  readonly files?: StateFiles;
}

/**
 * The events that an output could not deliver: files of 16 MiB (more where one event is larger), each named for its
 * first record, in the format of dead-letter-record.ts. An event is in it once: its place in the log is its key.
 *
 * Records are taken out by marks (`removed-….json`, read-dead-letter.ts), which the next append carries out: a file is
 * written again without them and takes the old one's place in one rename, and only then the mark goes.
 */
export class DeadLetterFiles {
  /** What was amiss when it was opened. */
  readonly findings: readonly StateFinding[];
  /** Bound on `bytes`. */
  readonly maxBytes: number;
  readonly #directory: string;
  readonly #fence: Fence;
  readonly #files: StateFiles;
  readonly #maxFileBytes: number;
  readonly #steps = new Serial();
  readonly #stored: RecordFiles;
  readonly #keys: KeySet;
  #nextRecord: number;

  private constructor(directory: string, fence: Fence, options: Required<DeadLetterOptions>, loaded: Loaded) {
    this.#directory = directory;
    this.#fence = fence;
    this.#files = options.files;
    this.maxBytes = options.maxBytes;
    this.#maxFileBytes = options.maxFileBytes;
    this.#stored = loaded.stored;
    this.#keys = loaded.keys;
    this.#nextRecord = loaded.nextRecord;
    this.findings = loaded.findings;
  }

  /** Opens the dead letter in its directory, which it creates; cuts off what a crash left half-written, and says so. */
  static async open(directory: string, fence: Fence, options: DeadLetterOptions): Promise<DeadLetterFiles> {
    const all = { files: REAL_FILES, maxFileBytes: MAX_FILE_BYTES, ...options };
    try {
      fence.check();
      await all.files.makeDirectory(directory);
      await syncDirectory(all.files, path.dirname(directory));
      const loaded = await load(directory, all.files);
      const opened = new DeadLetterFiles(directory, fence, all, loaded);
      await opened.#carryOutRemovals();
      return opened;
    } catch (error) {
      throw unwritable(directory, error);
    }
  }

  get records(): number {
    return this.#stored.records;
  }

  /** Bytes on disk, headers included. */
  get bytes(): number {
    return this.#stored.bytes;
  }

  /**
   * Resolves once all the records are on disk, those that stood there before included. Where it throws
   * (AUD_STATE_UNWRITABLE, AUD_STATE_LOCKED) all of them may be appended again.
   */
  append(records: readonly DeadLetterRecord[]): Promise<Appended> {
    return this.#step(async () => {
      await this.#carryOutRemovals();
      return this.#append(records.map(({ meta, bytes }) => pendingBytes(meta, bytes)));
    });
  }

  /** The same for one event of any size, `length` bytes that `read` gives: twice over, in pieces of 1 MiB. */
  appendFrom(read: ReadAt, length: number, meta: DeadLetterMeta): Promise<Appended> {
    return this.#step(async () => {
      await this.#carryOutRemovals();
      if (this.#keys.has(placeKey(meta))) return { full: false, added: 0 };
      return this.#append([await pendingFrom(meta, length, read)]);
    });
  }

  /** Takes records out, after they were replayed. */
  remove(keys: readonly DeadLetterKey[]): Promise<void> {
    return this.#step(async () => {
      this.#fence.check();
      await removeDeadLetters(this.#directory, keys, this.#files);
      await this.#carryOutRemovals();
    });
  }

  close(): Promise<void> {
    return this.#step(() => this.#stored.close());
  }

  async #append(pending: readonly Pending[]): Promise<Appended> {
    this.#fence.check();
    const fresh = new Map<string, Numbered>();
    for (const item of pending) {
      const numbered = number(this.#nextRecord + fresh.size, item);
      if (!this.#keys.has(numbered.key) && !fresh.has(numbered.key)) fresh.set(numbered.key, numbered);
    }
    const records = [...fresh.values()];
    const neededBytes = sizeOf(records);
    if (records.length === 0) return { full: false, added: 0 };
    if (this.bytes + neededBytes > this.maxBytes) return { full: true, neededBytes };
    // The numbers are used up even when the writing fails: a mark must never come to mean another record.
    let first = this.#nextRecord;
    this.#nextRecord += records.length;
    for (let done = 0; done < records.length; ) {
      const some = fitting(records.slice(done), this.#stored.room(this.#maxFileBytes), this.#maxFileBytes);
      await this.#stored.append(first, sizeOf(some), some.length, this.#maxFileBytes, (put) => writeRecords(some, put));
      for (const { key } of some) this.#keys.add(key);
      done += some.length;
      first += some.length;
    }
    return { full: false, added: records.length };
  }

  async #carryOutRemovals(): Promise<void> {
    const removals = await readRemovals(this.#directory, this.#files);
    if (removals.names.length === 0) return;
    this.#fence.check();
    for (const record of removals.records) this.#nextRecord = Math.max(this.#nextRecord, record + 1);
    await this.#stored.remove(removals, this.#nextRecord, (header) => this.#keys.delete(placeKey(keyOf(header))));
    for (const name of removals.names) await removeIfThere(this.#files, path.join(this.#directory, name));
  }

  #step<T>(run: () => Promise<T>): Promise<T> {
    return this.#steps.run(async () => {
      try {
        return await run();
      } catch (error) {
        throw unwritable(this.#directory, error);
      }
    });
  }
}

interface Loaded {
  readonly stored: RecordFiles;
  readonly keys: KeySet;
  readonly nextRecord: number;
  readonly findings: readonly StateFinding[];
}

async function load(directory: string, files: StateFiles): Promise<Loaded> {
  const stored = new RecordFiles(directory, files);
  const keys = new KeySet();
  const findings: StateFinding[] = [];
  const nextRecord = await stored.load(findings, (header) => keys.add(placeKey(keyOf(header))));
  // Names of files that a crash left unforced.
  await syncDirectory(files, directory);
  return { stored, keys, nextRecord, findings };
}

/** The first of the records that go into one file: into the room there is, or into a new file; one at least. */
function fitting(records: readonly Numbered[], room: number, maxFileBytes: number): readonly Numbered[] {
  const most = (records[0]?.size ?? 0) <= room ? room : maxFileBytes;
  let bytes = 0;
  const end = records.findIndex(({ size }) => {
    bytes += size;
    return bytes > most;
  });
  return end === -1 ? records : records.slice(0, Math.max(1, end));
}

function sizeOf(records: readonly Numbered[]): number {
  return records.reduce((sum, { size }) => sum + size, 0);
}
