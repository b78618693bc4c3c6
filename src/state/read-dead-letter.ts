import path from 'node:path';
import { writeMark } from './dead-letter-mark.ts';
import { recordKey, keyOf } from './dead-letter-record.ts';
import type { DeadLetterKey, DeadLetterMeta } from './dead-letter-record.ts';
import { readRefusals } from './dead-letter-refusals.ts';
import type { ReplayRefusal } from './dead-letter-refusals.ts';
import { bodyOf, walkRecords } from './dead-letter-walk.ts';
import { openIfThere, readFully, REAL_FILES } from './files.ts';
import type { StateFiles } from './files.ts';

/** Where the dead letter of an output lies. */
export function deadLetterDirectory(outputDirectory: string): string {
  return path.join(outputDirectory, 'dead-letter');
}

/** An event that was set aside. Its bytes can be read until the iteration goes on. */
export interface DeadLetter {
  readonly key: DeadLetterKey;
  /** As it was set aside. */
  readonly meta: DeadLetterMeta;
  /** What the receiver said the last time that it was sent again; null where it never was. */
  readonly refusal: ReplayRefusal | null;
  /** Bytes of the event. */
  readonly length: number;
  /** The event in pieces of 1 MiB at most; throws AUD_STATE_DAMAGED where it is not as it was stored. */
  chunks(): AsyncGenerator<Buffer>;
  /** All of it at once. */
  bytes(): Promise<Buffer>;
}

const RECORDS = /^(\d{16})\.records$/;
const REMOVED = /^removed-.*\.json$/;

/** Name of the file whose first record has this number. */
export function recordsName(firstRecord: number): string {
  return `${firstRecord.toString().padStart(16, '0')}.records`;
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
  const refusals = await readRefusals(directory, files);
  for (const name of await files.list(directory)) {
    if (firstRecordOf(name) === null) continue;
    const fd = await openIfThere(files, path.join(directory, name));
    if (fd === null) continue;
    try {
      for await (const part of walkRecords(files, fd)) {
        if (part.what !== 'record') continue;
        const key = keyOf(part.header);
        if (keys.has(recordKey(key))) continue;
        yield {
          key,
          meta: part.header.meta,
          refusal: refusals.get(recordKey(key)) ?? null,
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
  const places = keys.map(({ record, source, segment, offset }) => ({ record, source, segment, offset }));
  await writeMark(directory, 'removed', places, files);
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
  const marks: (readonly DeadLetterKey[])[] = [];
  for (const name of names) {
    const bytes = await readFully(files, path.join(directory, name));
    // The name appears once the file is complete and on disk. Gone since: the agent has done what it asks for.
    if (bytes !== null) marks.push(JSON.parse(bytes.toString()) as DeadLetterKey[]);
  }
  const keys = marks.flat();
  return { keys: new Set(keys.map(recordKey)), records: keys.map((key) => key.record), names };
}
