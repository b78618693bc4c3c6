import path from 'node:path';
import { AuditailError, systemCode } from '../errors.ts';
import { encodeCheckpoint } from './checkpoint-file.ts';
import { JournalEncoder, NO_FILE } from './checkpoint-journal.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Fence } from './fence.ts';
import { closeAfter, REAL_FILES, removeIfThere, syncDirectory, undoAndThrow, writeFully } from './files.ts';
import type { StateFiles } from './files.ts';
import type { StateFinding } from './finding.ts';
import { Journal } from './journal-file.ts';
import { journalName, journalSequence, NEWEST, PREVIOUS, readCheckpoint } from './read-checkpoint.ts';
import type { ReadCheckpoint } from './read-checkpoint.ts';
import { Serial } from '../serial.ts';
import { unwritable } from './unwritable.ts';

export interface Loaded {
  /** `null` on a first run. */
  readonly checkpoint: Checkpoint | null;
  readonly findings: readonly StateFinding[];
}

const DAMAGED = '.damaged-';
const MAX_DAMAGED_FILES = 3;
const TEMPORARY = '.tmp';

/**
 * The checkpoint of one output and one source, in a directory of its own. Whoever calls passes complete checkpoints,
 * newest last, and never changes one afterwards: a segment record that is the same object counts as unchanged.
 *
 * - `note` puts the checkpoint into the page cache within microseconds: it survives the death of the process.
 * - `save` forces it to disk: it survives the loss of power. Notes that are taken while it runs stay the newest state,
 *   before and after its rename: until then they go to the journal of the old file, and right before it the newest one
 *   is written to the journal of the new file.
 *
 * What is loaded after a crash is a checkpoint that was passed in, never older than the last note that returned nor
 * than the last save that resolved. Where either throws (AUD_STATE_UNWRITABLE, AUD_STATE_LOCKED), what was stored
 * before is still there, and the call can be made again. `load` comes first, once; `close` last.
 */
export class CheckpointStore {
  readonly #directory: string;
  readonly #fence: Fence;
  readonly #files: StateFiles;
  readonly #now: () => number;
  readonly #saves = new Serial();
  #journal: Journal | undefined;
  /** Sequence of the file that counts, and the highest that was tried. */
  #base = 0;
  #sequence = 0;
  #noteNumber = 0;
  /** Orders the calls of `note` and `save`. */
  #calls = 0;
  #lastNote: { readonly call: number; readonly checkpoint: Checkpoint } | undefined;

  constructor(directory: string, fence: Fence, { files = REAL_FILES, now = Date.now }: StoreOptions = {}) {
    this.#directory = directory;
    this.#fence = fence;
    this.#files = files;
    this.#now = now;
  }

  /** Reads what is there, sets damaged files aside and clears up after a crash. */
  async load(): Promise<Loaded> {
    const read = await readCheckpoint(this.#directory, this.#files);
    const findings: StateFinding[] = [];
    try {
      this.#fence.check();
      for (const { name, words } of read.damaged) findings.push(await this.#setAside(name, words));
      await this.#clearUp(read);
    } catch (error) {
      throw unwritable(this.#directory, error);
    }
    if (read.newestMissing) {
      const words = `${NEWEST} is not there; ${PREVIOUS} was taken (a crash in the middle of a save leaves it so)`;
      findings.push({ what: 'missing', file: this.#path(NEWEST), words });
    }
    this.#base = read.file?.sequence ?? 0;
    // A superseded agent may finish the one save and the one note that it was in: ours have to be newer.
    this.#sequence = this.#base + 1;
    this.#noteNumber = (read.note?.number ?? read.file?.note ?? 0) + 1;
    const encoder = new JournalEncoder({ id: read.file?.id ?? NO_FILE, checkpoint: read.file?.checkpoint ?? null });
    this.#journal = new Journal(this.#files, this.#path(journalName(this.#base, this.#fence.generation)), encoder);
    return { checkpoint: read.checkpoint, findings };
  }

  note(checkpoint: Checkpoint): void {
    const journal = this.#opened();
    this.#fence.check();
    this.#calls += 1;
    try {
      journal.append(this.#noteNumber + 1, checkpoint);
    } catch (error) {
      throw unwritable(this.#directory, error);
    }
    this.#noteNumber += 1;
    this.#lastNote = { call: this.#calls, checkpoint };
  }

  save(checkpoint: Checkpoint): Promise<void> {
    this.#calls += 1;
    const call = this.#calls;
    return this.#saves.run(async () => {
      this.#opened();
      try {
        await this.#save(checkpoint, call);
      } catch (error) {
        throw unwritable(this.#directory, error);
      }
    });
  }

  /** Waits for the saves that are under way. */
  close(): Promise<void> {
    return this.#saves.run(async () => {
      this.#journal?.close();
      this.#journal = undefined;
    });
  }

  async #save(checkpoint: Checkpoint, call: number): Promise<void> {
    this.#fence.check();
    this.#sequence += 1;
    const sequence = this.#sequence;
    const { bytes, id } = encodeCheckpoint(sequence, this.#noteNumber, checkpoint);
    const temporary = this.#path(`${NEWEST}-${sequence}-${this.#fence.generation}${TEMPORARY}`);
    const journalPath = this.#path(journalName(sequence, this.#fence.generation));
    const previous = this.#base;
    try {
      const fd = await this.#files.open(temporary, 'w');
      await closeAfter(this.#files, fd, async () => {
        await writeFully(this.#files, fd, bytes);
        await this.#files.sync(fd);
      });
      this.#commit(temporary, new Journal(this.#files, journalPath, new JournalEncoder({ id, checkpoint })), call);
    } catch (error) {
      return undoAndThrow(error, async () => {
        await removeIfThere(this.#files, temporary);
        if (this.#base !== sequence) await removeIfThere(this.#files, journalPath);
      });
    }
    await syncDirectory(this.#files, this.#directory);
    await this.#removeJournals([previous, sequence]);
  }

  /** Makes the new file the one that counts. Nothing else runs meanwhile, so no note can fall between old and new. */
  #commit(temporary: string, journal: Journal, call: number): void {
    const sequence = this.#sequence;
    this.#fence.check();
    try {
      if (this.#lastNote !== undefined && this.#lastNote.call > call) {
        journal.append(this.#noteNumber, this.#lastNote.checkpoint);
      }
      const rotated = this.#rotate();
      try {
        this.#files.renameNow(temporary, this.#path(NEWEST));
      } catch (error) {
        if (rotated) this.#files.renameNow(this.#path(PREVIOUS), this.#path(NEWEST));
        throw error;
      }
    } catch (error) {
      journal.close();
      throw error;
    }
    const old = this.#journal;
    this.#journal = journal;
    this.#base = sequence;
    old?.close();
  }

  /** Keeps the file that counted as the previous generation. Says whether there was one. */
  #rotate(): boolean {
    try {
      this.#files.renameNow(this.#path(NEWEST), this.#path(PREVIOUS));
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async #setAside(name: string, words: string): Promise<StateFinding> {
    const stamp = new Date(this.#now()).toISOString().replaceAll(/[:.]/g, '-');
    const movedTo = this.#path(`${name}${DAMAGED}${stamp}`);
    await this.#files.rename(this.#path(name), movedTo);
    return { what: 'damaged', file: this.#path(name), words, movedTo };
  }

  async #clearUp(read: ReadCheckpoint): Promise<void> {
    await this.#removeJournals(read.sequences.length === 0 ? [0] : read.sequences);
    const names = await this.#files.list(this.#directory);
    const damaged = names
      .filter((name) => name.includes(DAMAGED))
      .toSorted((a, b) => (stampOf(a) < stampOf(b) ? -1 : 1))
      .slice(0, -MAX_DAMAGED_FILES);
    const unfinished = names.filter((name) => name.endsWith(TEMPORARY));
    for (const name of [...damaged, ...unfinished]) await removeIfThere(this.#files, this.#path(name));
  }

  /** Removes the journals that build on other files than these. */
  async #removeJournals(keep: readonly number[]): Promise<void> {
    for (const name of await this.#files.list(this.#directory)) {
      const sequence = journalSequence(name);
      if (sequence !== null && !keep.includes(sequence)) await removeIfThere(this.#files, this.#path(name));
    }
  }

  #opened(): Journal {
    if (this.#journal !== undefined) return this.#journal;
    throw new AuditailError('AUD_INTERNAL', `the checkpoint in ${this.#directory} was not loaded, or is closed`);
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }
}

function stampOf(damagedName: string): string {
  return damagedName.slice(damagedName.indexOf(DAMAGED));
}

interface StoreOptions {
  readonly files?: StateFiles;
  /** Milliseconds since the epoch: names the files that are set aside. */
  readonly now?: () => number;
}
