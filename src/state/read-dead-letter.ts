import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { recordKey, keyOf } from './dead-letter-record.ts';
import type { DeadLetterKey, DeadLetterMeta } from './dead-letter-record.ts';
import { bodyOf, walkRecords } from './dead-letter-walk.ts';
import { closeAfter, openIfThere, readFully, REAL_FILES, syncDirectory, undoAndThrow, writeFully } from './files.ts';
import type { StateFiles } from './files.ts';
import { unwritable } from './unwritable.ts';

/** Where the dead letter of an output lies. */
export function deadLetterDirectory(outputDirectory: string): string {
  return path.join(outputDirectory, 'dead-letter');
}

/** An event that was set aside. Its bytes can be read until the iteration goes on. */
export interface DeadLetter {
  readonly key: DeadLetterKey;
  readonly meta: DeadLetterMeta;
  /** Bytes of the event. */
  readonly length: number;
  /** The event in pieces of 1 MiB at most; throws AUD_STATE_DAMAGED where it is not as it was stored. */
  chunks(): AsyncGenerator<Buffer>;
  /** All of it at once. */
  bytes(): Promise<Buffer>;
}

const RECORDS = /^(\d{16})\.records$/;
const REMOVED = /^removed-.*\.json$/;
const UNFINISHED_MARK = /^removed-(\d+)-.*\.tmp$/;

/** Name of the file whose first record has this number. */
export function recordsName(firstRecord: number): string {
  return `${firstRecord.toString().padStart(16, '0')}.records`;
}

/** Whether a name is that of a file that nobody finished, and nobody is writing any more. */
export function isLeftOver(name: string, nowMs: number): boolean {
  if (!name.endsWith('.tmp')) return false;
  const mark = UNFINISHED_MARK.exec(name);
  // A command may be writing a mark at this moment; all else is the agent's own.
  return mark === null || Number(mark[1]) < nowMs - 60_000;
}

/** Number of the first record that a file may hold, or `null` for another file. */
export function firstRecordOf(name: string): number | null {
  const match = RECORDS.exec(name);
  return match === null ? null : Number(match[1]);
}

/**
 * What stands in a dead letter, oldest first. For commands: it may be read while the agent appends to it. What was
 * removed, is damaged, or is being written at this moment is passed over.
 */
export async function* readDeadLetters(directory: string, files: StateFiles = REAL_FILES): AsyncGenerator<DeadLetter> {
  const { keys } = await readRemovals(directory, files);
  for (const name of await files.list(directory)) {
    if (firstRecordOf(name) === null) continue;
    const fd = await openIfThere(files, path.join(directory, name));
    if (fd === null) continue;
    try {
      for await (const part of walkRecords(files, fd)) {
        if (part.what !== 'record' || keys.has(recordKey(keyOf(part.header)))) continue;
        yield {
          key: keyOf(part.header),
          meta: part.header.meta,
          length: part.header.bytes,
          chunks: () => bodyOf(files, fd, part),
          bytes: () => collect(bodyOf(files, fd, part)),
        };
      }
    } finally {
      await files.close(fd);
    }
  }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/**
 * Marks records as removed, durably. Any process may do that: the agent takes them out of the files when it next
 * appends, and nobody reads them any more from now on.
 */
export async function removeDeadLetters(
  directory: string,
  keys: readonly DeadLetterKey[],
  files: StateFiles = REAL_FILES,
): Promise<void> {
  if (keys.length === 0) return;
  const name = path.join(directory, `removed-${Date.now()}-${randomBytes(6).toString('hex')}`);
  const temporary = `${name}.tmp`;
  const lines = keys.map(({ record, source, segment, offset }) => JSON.stringify({ record, source, segment, offset }));
  try {
    const fd = await files.open(temporary, 'wx');
    try {
      await closeAfter(files, fd, async () => {
        await writeFully(files, fd, Buffer.from(`[\n${lines.join(',\n')}\n]\n`));
        await files.sync(fd);
      });
      await files.rename(temporary, `${name}.json`);
    } catch (error) {
      await undoAndThrow(error, () => files.remove(temporary));
    }
    await syncDirectory(files, directory);
  } catch (error) {
    throw unwritable(directory, error);
  }
}

export interface Removals {
  /** `recordKey` of all that was marked. */
  readonly keys: ReadonlySet<string>;
  readonly records: readonly number[];
  /** The files that say so. */
  readonly names: readonly string[];
}

export async function readRemovals(directory: string, files: StateFiles): Promise<Removals> {
  const names = (await files.list(directory)).filter((name) => REMOVED.test(name));
  const keys: DeadLetterKey[] = [];
  for (const name of names) {
    const bytes = await readFully(files, path.join(directory, name));
    // The name appears once the file is complete and on disk. Gone since: the agent has done what it asks for.
    if (bytes !== null) keys.push(...(JSON.parse(bytes.toString()) as DeadLetterKey[]));
  }
  return { keys: new Set(keys.map(recordKey)), records: keys.map((key) => key.record), names };
}
