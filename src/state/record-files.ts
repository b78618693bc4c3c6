import path from 'node:path';
import { AuditailError } from '../errors.ts';
import { AppendFile } from './append-file.ts';
import { compactFile } from './dead-letter-compact.ts';
import type { RecordHeader } from './dead-letter-record.ts';
import { bodyOf, walkRecords } from './dead-letter-walk.ts';
import type { PlacedRecord } from './dead-letter-walk.ts';
import { closeAfter, removeIfThere, syncDirectory, undoAndThrow } from './files.ts';
import type { StateFiles } from './files.ts';
import type { StateFinding } from './finding.ts';
import { isLeftOver } from './dead-letter-mark.ts';
import { firstRecordOf, recordsName } from './read-dead-letter.ts';
import type { Removals } from './read-dead-letter.ts';

interface RecordsFile {
  /** Number of its first record, which names it. */
  readonly first: number;
  bytes: number;
  records: number;
}

/** The files of one dead letter. The newest is appended to; the others only lose records. */
export class RecordFiles {
  readonly #directory: string;
  readonly #files: StateFiles;
  /** Oldest first. */
  #all: RecordsFile[] = [];
  /** The last of them, once it was needed. */
  #open: AppendFile | undefined;

  constructor(directory: string, files: StateFiles) {
    this.#directory = directory;
    this.#files = files;
  }

  get records(): number {
    return this.#all.reduce((sum, file) => sum + file.records, 0);
  }

  get bytes(): number {
    return this.#all.reduce((sum, file) => sum + file.bytes, 0);
  }

  /** Reads what there is and hands each record's header to `take`; mends the end of the newest file. Gives the lowest number for the next record. */
  async load(findings: StateFinding[], take: (header: RecordHeader) => void): Promise<number> {
    let next = 1;
    const names = await this.#files.list(this.#directory);
    for (const name of names) if (isLeftOver(name, Date.now())) await removeIfThere(this.#files, this.#path(name));
    const firsts = names.flatMap((name) => firstRecordOf(name) ?? []);
    for (const first of firsts) {
      const file: RecordsFile = { first, bytes: 0, records: 0 };
      next = Math.max(next, first);
      const isNewest = first === firsts.at(-1);
      await this.#read(file, isNewest, findings, (header) => {
        next = Math.max(next, header.record + 1);
        take(header);
      });
      this.#all.push(file);
    }
    return next;
  }

  /**
   * Appends to the newest file what `write` puts, durably, as `records` records of `size` bytes; begins a new file,
   * named for the record, where the newest has no room.
   */
  async append(
    first: number,
    size: number,
    records: number,
    maxFileBytes: number,
    write: Parameters<AppendFile['append']>[0],
  ): Promise<void> {
    const newest = this.#all.at(-1);
    if (newest === undefined || (newest.bytes > 0 && newest.bytes + size > maxFileBytes)) await this.#start(first);
    const file = this.#all.at(-1) as RecordsFile;
    this.#open ??= await AppendFile.open(this.#path(recordsName(file.first)), this.#files);
    await this.#open.append(write);
    file.bytes = this.#open.size;
    file.records += records;
  }

  /** Bytes that still go into the newest file. */
  room(maxFileBytes: number): number {
    return maxFileBytes - (this.#all.at(-1)?.bytes ?? maxFileBytes);
  }

  /** Takes records out and hands their headers to `forget`. Can be repeated when it fails half-way. */
  async remove(removals: Removals, nextRecord: number, forget: (header: RecordHeader) => void): Promise<void> {
    for (const [at, file] of this.#all.entries()) {
      const end = this.#all[at + 1]?.first ?? Number.POSITIVE_INFINITY;
      if (!removals.records.some((record) => record >= file.first && record < end)) continue;
      if (at === this.#all.length - 1) await this.#release();
      const { bytes, removed, commit } = await compactFile(
        this.#files,
        this.#path(recordsName(file.first)),
        removals.keys,
      );
      if (removed.length === 0) continue;
      await commit();
      file.bytes = bytes;
      file.records -= removed.length;
      for (const header of removed) forget(header);
    }
    await this.#dropEmpty(nextRecord);
    await syncDirectory(this.#files, this.#directory);
  }

  async close(): Promise<void> {
    const file = this.#open;
    this.#open = undefined;
    await file?.close();
  }

  /** Creates the next file, durably. */
  async #start(first: number): Promise<void> {
    await this.#release();
    const file = await AppendFile.open(this.#path(recordsName(first)), this.#files);
    try {
      await syncDirectory(this.#files, this.#directory);
    } catch (error) {
      await undoAndThrow(error, () => file.close());
    }
    this.#open = file;
    this.#all.push({ first, bytes: file.size, records: 0 });
  }

  /** Closes the newest file with nothing half-written at its end. */
  async #release(): Promise<void> {
    await this.#open?.mend();
    await this.close();
  }

  /** Removes files without records. The last one's name keeps the number of the next record: none may come back. */
  async #dropEmpty(nextRecord: number): Promise<void> {
    const newest = this.#all.at(-1);
    if (newest?.bytes === 0 && newest.first < nextRecord) await this.#start(nextRecord);
    for (const file of this.#all.slice(0, -1)) {
      if (file.bytes > 0) continue;
      await removeIfThere(this.#files, this.#path(recordsName(file.first)));
      this.#all = this.#all.filter((other) => other !== file);
    }
  }

  async #read(
    file: RecordsFile,
    isNewest: boolean,
    findings: StateFinding[],
    take: (header: RecordHeader) => void,
  ): Promise<void> {
    const place = this.#path(recordsName(file.first));
    const gaps: { readonly from: number; readonly to: number }[] = [];
    const fd = await this.#files.open(place, 'r');
    await closeAfter(this.#files, fd, async () => {
      for await (const part of walkRecords(this.#files, fd)) {
        file.bytes = part.to;
        if (part.what === 'record') file.records += 1;
        // Only what a crash may have interrupted is read whole. A damaged event stays, and its key is free again.
        if (part.what === 'record' && !(isNewest && (await this.#isDamaged(fd, part)))) take(part.header);
        else gaps.push(part);
        if (part.what === 'damaged' && isNewest && part.to === (await this.#files.size(fd))) {
          gaps.pop();
          file.bytes = part.from;
        }
      }
    });
    for (const gap of gaps) findings.push(damaged(place, gap.from, gap.to));
    if (isNewest) await this.#cutTail(place, file, findings);
  }

  /** Opens the newest file for appending, and forces to disk what a crash may have left in memory. */
  async #cutTail(place: string, file: RecordsFile, findings: StateFinding[]): Promise<void> {
    this.#open = await AppendFile.open(place, this.#files);
    const torn = this.#open.size - file.bytes;
    if (torn === 0) return;
    await this.#open.cut(file.bytes);
    findings.push({
      what: 'torn',
      file: place,
      words: `the last ${torn} bytes were half-written by a crash and were cut off`,
    });
  }

  async #isDamaged(fd: number, part: PlacedRecord): Promise<boolean> {
    try {
      for await (const _piece of bodyOf(this.#files, fd, part));
      return false;
    } catch (error) {
      if (error instanceof AuditailError && error.code === 'AUD_STATE_DAMAGED') return true;
      throw error;
    }
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }
}

function damaged(file: string, from: number, to: number): StateFinding {
  return {
    what: 'damaged',
    file,
    words: `${to - from} bytes at offset ${from} are no record as it was written; they were left in place`,
  };
}
