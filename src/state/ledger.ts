import path from 'node:path';
import { AppendFile } from './append-file.ts';
import type { Fence } from './fence.ts';
import { readFully, REAL_FILES, syncDirectory, undoAndThrow } from './files.ts';
import type { StateFiles } from './files.ts';
import type { StateFinding } from './finding.ts';
import { KeySet } from './key-set.ts';
import { ledgerKey } from './ledger-entry.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import { ledgerFiles, parseLedgerLine } from './read-ledger.ts';
import { Serial } from '../serial.ts';
import { unwritable } from './unwritable.ts';

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 4;
/** Keys in each of the two sets; when the newer one is full the older one is forgotten. Some megabytes in all. */
const MAX_KEYS = 50_000;
const NEWLINE = 0x0a;

interface LedgerOptions {
  readonly files?: StateFiles;
  readonly maxFileBytes?: number;
  readonly maxKeys?: number;
}

/**
 * The account of one output: a line for each settled segment, each loss and each notification, in `ledger.jsonl` and up to three older
 * files (`.1` is the youngest of them). An entry that is there already is not written again, so whoever isn't sure
 * after a crash appends it once more.
 */
export class Ledger {
  /** What was amiss when it was opened. */
  readonly findings: readonly StateFinding[];
  readonly #directory: string;
  readonly #fence: Fence;
  readonly #files: StateFiles;
  readonly #maxFileBytes: number;
  readonly #keys: RecentKeys;
  readonly #appends = new Serial();
  #file: AppendFile | undefined;

  private constructor(directory: string, fence: Fence, options: Required<LedgerOptions>, opened: Opened) {
    this.#directory = directory;
    this.#fence = fence;
    this.#files = options.files;
    this.#maxFileBytes = options.maxFileBytes;
    this.#keys = opened.keys;
    this.#file = opened.file;
    this.findings = opened.findings;
  }

  /** Opens the ledger in the directory of an output; cuts off what a crash left half-written, and says so. */
  static async open(
    directory: string,
    fence: Fence,
    { files = REAL_FILES, maxFileBytes = MAX_FILE_BYTES, maxKeys = MAX_KEYS }: LedgerOptions = {},
  ): Promise<Ledger> {
    try {
      fence.check();
      const opened = await openFiles(directory, files, maxKeys);
      return new Ledger(directory, fence, { files, maxFileBytes, maxKeys }, opened);
    } catch (error) {
      throw unwritable(directory, error);
    }
  }

  /**
   * Resolves once the entries are on disk; gives back those that were not there before. Where it throws
   * (AUD_STATE_UNWRITABLE, AUD_STATE_LOCKED) all of them may be appended again.
   */
  append(entries: readonly LedgerEntry[]): Promise<readonly LedgerEntry[]> {
    return this.#appends.run(async () => {
      const fresh = new Map<string, LedgerEntry>();
      for (const entry of entries) {
        const key = ledgerKey(entry);
        if (!this.#keys.has(key) && !fresh.has(key)) fresh.set(key, entry);
      }
      if (fresh.size === 0) return [];
      try {
        this.#fence.check();
        await this.#write([...fresh.values()]);
      } catch (error) {
        throw unwritable(this.#directory, error);
      }
      for (const key of fresh.keys()) this.#keys.add(key);
      return [...fresh.values()];
    });
  }

  close(): Promise<void> {
    return this.#appends.run(async () => {
      const file = this.#file;
      this.#file = undefined;
      await file?.close();
    });
  }

  async #write(entries: readonly LedgerEntry[]): Promise<void> {
    const lines = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    let file = this.#file ?? (await this.#open());
    if (file.size > 0 && file.size + lines.length > this.#maxFileBytes) {
      this.#file = undefined;
      await file.close();
      await this.#rotate();
      file = await this.#open();
    }
    await file.append((put) => put(lines));
  }

  /** Opens the newest file, also after a rotation that failed half-way. */
  async #open(): Promise<AppendFile> {
    this.#file = await openNewest(this.#directory, this.#files);
    return this.#file;
  }

  async #rotate(): Promise<void> {
    const there = await this.#files.list(this.#directory);
    const names = ledgerFiles(MAX_FILES);
    // A rotation that failed half-way has left a gap: up to there the files move, and none is overwritten.
    const gap = names.findIndex((name) => !there.includes(name));
    for (let age = (gap === -1 ? MAX_FILES - 1 : gap) - 1; age >= 0; age -= 1) {
      await this.#files.rename(this.#path(names[age] as string), this.#path(names[age + 1] as string));
    }
    await syncDirectory(this.#files, this.#directory);
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }
}

interface Opened {
  readonly file: AppendFile;
  readonly keys: RecentKeys;
  readonly findings: readonly StateFinding[];
}

async function openFiles(directory: string, files: StateFiles, maxKeys: number): Promise<Opened> {
  const findings: StateFinding[] = [];
  const keys = new RecentKeys(maxKeys);
  for (const name of ledgerFiles(MAX_FILES).slice(1).toReversed()) {
    const bytes = await readFully(files, path.join(directory, name));
    if (bytes !== null) findings.push(...collect(path.join(directory, name), bytes, keys).findings);
  }
  const file = await openNewest(directory, files);
  try {
    const bytes = Buffer.allocUnsafe(file.size);
    const { whole, findings: more } = collect(file.path, bytes.subarray(0, await file.read(bytes, 0)), keys);
    findings.push(...more);
    if (whole < file.size) {
      const words = `the last ${file.size - whole} bytes were half-written by a crash and were cut off`;
      findings.push({ what: 'torn', file: file.path, words });
      await file.cut(whole);
    }
  } catch (error) {
    return undoAndThrow(error, () => file.close());
  }
  return { file, keys, findings };
}

async function openNewest(directory: string, files: StateFiles): Promise<AppendFile> {
  const file = await AppendFile.open(path.join(directory, ledgerFiles(MAX_FILES)[0] as string), files);
  try {
    await syncDirectory(files, directory);
  } catch (error) {
    return undoAndThrow(error, () => file.close());
  }
  return file;
}

/** Takes the keys of a file. Gives back where its last whole entry ends, and the damage before that place. */
function collect(file: string, bytes: Buffer, keys: RecentKeys): { whole: number; findings: StateFinding[] } {
  let whole = 0;
  let bad = 0;
  let badBeforeWhole = 0;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const entry = newline === -1 ? null : parseLedgerLine(bytes.subarray(start, end));
    if (entry === null) bad += 1;
    else {
      keys.add(ledgerKey(entry));
      whole = end + 1;
      badBeforeWhole = bad;
    }
    start = end + 1;
  }
  if (badBeforeWhole === 0) return { whole, findings: [] };
  return { whole, findings: [{ what: 'damaged', file, words: `${badBeforeWhole} lines are no entries` }] };
}

/** Remembers the newest keys, twice `max` of them at most. */
class RecentKeys {
  readonly #max: number;
  #newer = new KeySet();
  #older = new KeySet();

  constructor(max: number) {
    this.#max = max;
  }

  has(key: string): boolean {
    return this.#newer.has(key) || this.#older.has(key);
  }

  add(key: string): void {
    if (this.#newer.size >= this.#max) {
      this.#older = this.#newer;
      this.#newer = new KeySet();
    }
    this.#newer.add(key);
  }
}
