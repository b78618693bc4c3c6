import path from 'node:path';
import { openIfThere, REAL_FILES } from './files.ts';
import type { StateFiles } from './files.ts';
import type { LedgerEntry } from './ledger-entry.ts';

const NAME = 'ledger.jsonl';
const TYPES: readonly LedgerEntry['type'][] = ['segment', 'loss', 'notification'];
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Names of the files of a ledger, youngest first. */
export function ledgerFiles(count: number): readonly string[] {
  return Array.from({ length: count }, (_, age) => (age === 0 ? NAME : `${NAME}.${age}`));
}

/** One line of a ledger, or `null` where it is none: torn or damaged. */
export function parseLedgerLine(line: Buffer): LedgerEntry | null {
  try {
    const entry = JSON.parse(line.toString()) as LedgerEntry | null;
    return entry !== null && TYPES.includes(entry.type) ? entry : null;
  } catch {
    // Not JSON: a value here, which the caller counts and reports.
    return null;
  }
}

/**
 * The entries of an output's ledger, oldest first. For commands: it may be read while the agent appends to it. A line
 * that is being written, and what is damaged, is passed over (the agent says so when it opens the ledger).
 */
export async function* readLedger(directory: string, files: StateFiles = REAL_FILES): AsyncGenerator<LedgerEntry> {
  const names = (await files.list(directory)).filter((name) => name === NAME || /^ledger\.jsonl\.\d+$/.test(name));
  // All are opened before the first is read, youngest first: a rotation meanwhile shows one twice, and hides none.
  const opened = new Map<bigint, number>();
  try {
    for (const name of names.toSorted((a, b) => ageOf(a) - ageOf(b))) {
      const fd = await openIfThere(files, path.join(directory, name));
      if (fd === null) continue;
      const inode = await files.inode(fd);
      if (opened.has(inode)) await files.close(fd);
      else opened.set(inode, fd);
    }
    for (const fd of [...opened.values()].toReversed()) yield* readEntries(files, fd);
  } finally {
    for (const fd of opened.values()) await files.close(fd);
  }
}

async function* readEntries(files: StateFiles, fd: number): AsyncGenerator<LedgerEntry> {
  let rest = Buffer.alloc(0);
  for (let position = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = await files.read(fd, chunk, position);
    if (count === 0) return;
    position += count;
    const bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      const entry = parseLedgerLine(bytes.subarray(start, end));
      if (entry !== null) yield entry;
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
}

function ageOf(name: string): number {
  return name === NAME ? 0 : Number(name.slice(NAME.length + 1));
}
