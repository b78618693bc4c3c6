import path from 'node:path';
import { AuditailError } from '../errors.ts';
import { decodeCheckpoint } from './checkpoint-file.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import { newestNote, NO_FILE } from './checkpoint-journal.ts';
import type { JournalBase, Note } from './checkpoint-journal.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readFully, REAL_FILES } from './files.ts';
import type { StateFiles } from './files.ts';

/** The newest save, and the one before it. */
export const NEWEST = 'checkpoint';
export const PREVIOUS = 'checkpoint.1';

const JOURNAL = /^journal-(\d+)-(\d+)$/;

/** `journal-<sequence of the file that it builds on>-<generation of the agent that wrote it>`. */
export function journalName(sequence: number, generation: number): string {
  return `journal-${sequence}-${generation}`;
}

/** The sequence of the file that a journal builds on, or `null` for what is no journal. */
export function journalSequence(name: string): number | null {
  const match = JOURNAL.exec(name);
  return match === null ? null : Number(match[1]);
}

export interface ReadCheckpoint {
  readonly checkpoint: Checkpoint | null;
  /** The valid file with the highest sequence. `null`: nothing was saved yet. */
  readonly file: CheckpointFile | null;
  /** Whether notes that are newer than the file were found and are part of `checkpoint`. */
  readonly note: Note | null;
  /** Sequences of all valid files. */
  readonly sequences: readonly number[];
  /** File names of what is damaged, with words. */
  readonly damaged: readonly { readonly name: string; readonly words: string }[];
  /** Whether there is a previous generation and no newest one: a crash between two renames, or somebody removed it. */
  readonly newestMissing: boolean;
}

/**
 * Reads the newest checkpoint there is: the newest valid file and the newest valid note over it. Changes nothing, so
 * that commands may call it while the agent runs. Throws AUD_STATE_DAMAGED where files are there and none is valid, and
 * AUD_STATE_VERSION where a newer auditail wrote them.
 */
export async function readCheckpoint(directory: string, files: StateFiles = REAL_FILES): Promise<ReadCheckpoint> {
  const valid: CheckpointFile[] = [];
  const damaged: { readonly name: string; readonly words: string }[] = [];
  const there = new Set<string>();
  for (const name of [NEWEST, PREVIOUS]) {
    const bytes = await readFully(files, path.join(directory, name));
    if (bytes === null) continue;
    there.add(name);
    const decoded = decodeCheckpoint(bytes);
    if (decoded.state === 'newer') throw newer(path.join(directory, name), decoded.version);
    if (decoded.state === 'valid') valid.push(decoded.file);
    else damaged.push({ name, words: decoded.words });
  }
  const file = valid.toSorted((a, b) => b.sequence - a.sequence)[0] ?? null;
  const note = await readNotes(directory, files, file);
  if (file === null && note === null && damaged.length > 0) throw allDamaged(directory, damaged);
  return {
    checkpoint: note?.checkpoint ?? file?.checkpoint ?? null,
    file,
    note,
    sequences: valid.map((one) => one.sequence),
    damaged,
    newestMissing: there.has(PREVIOUS) && !there.has(NEWEST),
  };
}

async function readNotes(directory: string, files: StateFiles, file: CheckpointFile | null): Promise<Note | null> {
  const base: JournalBase = { id: file?.id ?? NO_FILE, checkpoint: file?.checkpoint ?? null };
  let newest: Note | null = null;
  for (const name of await files.list(directory)) {
    if (journalSequence(name) !== (file?.sequence ?? 0)) continue;
    const bytes = await readFully(files, path.join(directory, name));
    const note = bytes === null ? null : newestNote(bytes, base);
    if (note !== null && note.number > (newest?.number ?? -1)) newest = note;
  }
  return newest;
}

function newer(file: string, version: number): AuditailError {
  return new AuditailError('AUD_STATE_VERSION', `${file} was written by a newer auditail (format ${version})`, {
    hint: 'Run that version again. This one would not understand how far the log was delivered.',
  });
}

function allDamaged(directory: string, damaged: ReadCheckpoint['damaged']): AuditailError {
  const what = damaged.map(({ name, words }) => `${name}: ${words}`).join('; ');
  return new AuditailError('AUD_STATE_DAMAGED', `no checkpoint in ${directory} can be read (${what})`, {
    hint: `Restore ${directory} from a backup. Or forget it with \`auditail state remove\`: the output then starts as on its first run, and what it delivered before is sent again.`,
  });
}
