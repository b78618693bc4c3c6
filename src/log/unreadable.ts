import { dirname } from 'node:path';
import { codeOf, isMissing, type LogFiles, type NameFacts } from './files.ts';

/** What keeps a log from being read, for people: where it is a matter of rights, who may not, whose the file is, and what to do. */
export async function describeUnreadable(error: unknown, files: LogFiles, directory: string): Promise<string> {
  if (isMissing(error)) return `the directory ${directory} is not there`;
  const words = error instanceof Error ? error.message : String(error);
  if (!isRefusal(error)) return words;
  const asking = `uid ${process.geteuid?.() ?? '?'} may not read it: ${words}`;
  const path = typeof error === 'object' && error !== null && 'path' in error ? String(error.path) : directory;
  const closed = await firstSeen(path, files);
  if (closed === null) return asking;
  const { kind, mode, uid } = closed.facts;
  const wanted = kind === 'directory' ? '0750' : '0640';
  return (
    `${asking}; ${closed.path} has mode 0${mode.toString(8)} and belongs to uid ${uid}: run auditail as that user, or ` +
    `give a group of its own the right to read (chgrp, and chmod ${wanted}; new files of the API server keep both)`
  );
}

/** The path, or the first directory above it of which anything may be known. */
async function firstSeen(
  path: string,
  files: LogFiles,
): Promise<{ readonly path: string; readonly facts: NameFacts } | null> {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    try {
      const facts = await files.factsOfName(at);
      if (facts !== null) return { path: at, facts };
    } catch (error) {
      // Only the words suffer: what is in the way of reading has been told by the error before.
      if (!isRefusal(error)) return null;
    }
  }
  return null;
}

function isRefusal(error: unknown): boolean {
  return codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM';
}
