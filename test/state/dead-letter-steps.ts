import path from 'node:path';
import { DeadLetterFiles } from '../../src/state/dead-letter.ts';
import type { DeadLetterKey } from '../../src/state/dead-letter-record.ts';
import type { StateFiles } from '../../src/state/files.ts';
import { readDeadLetters } from '../../src/state/read-dead-letter.ts';
import { letter, letterMeta, openFence } from './samples.ts';

export const LONG = Buffer.alloc(3000, 'a long event ');
/** Offsets that are there in the end. */
export const REMAINING: readonly number[] = [2, 5, 6];

export interface Confirmed {
  added(offset: number): void;
  /** Before the removal is tried, and once it is confirmed. */
  removing(offset: number): void;
  removed(offset: number): void;
  failed(error: unknown): void;
}

export function openBox(parent: string, files: StateFiles): Promise<DeadLetterFiles> {
  const options = { maxBytes: 100_000, maxFileBytes: 900, files };
  return DeadLetterFiles.open(path.join(parent, 'dead-letter'), openFence(), options);
}

/** Sets events aside, removes some, and does once more what failed. */
export async function fillBox(parent: string, files: StateFiles, confirmed: Confirmed): Promise<void> {
  async function twice<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      confirmed.failed(error);
      return act();
    }
  }
  try {
    const box = await twice(() => openBox(parent, files));
    async function add(offsets: readonly number[]): Promise<void> {
      await twice(() => box.append(offsets.map((offset) => letter(offset))));
      for (const offset of offsets) confirmed.added(offset);
    }
    async function remove(offsets: readonly number[]): Promise<void> {
      const keys = await keysOf(parent, offsets);
      for (const offset of offsets) confirmed.removing(offset);
      await twice(() => box.remove(keys));
      for (const offset of offsets) confirmed.removed(offset);
    }
    await add([0, 1, 2, 3]);
    await remove([0, 1, 3]);
    const read = async (offset: number, into: Buffer) => LONG.copy(into, 0, offset);
    await twice(() => box.appendFrom(read, LONG.length, letterMeta(5)));
    confirmed.added(5);
    await add([2, 6]);
    await twice(() => box.close());
  } catch (error) {
    confirmed.failed(error);
  }
}

async function keysOf(parent: string, offsets: readonly number[]): Promise<DeadLetterKey[]> {
  const keys: DeadLetterKey[] = [];
  for await (const { key } of readDeadLetters(path.join(parent, 'dead-letter'))) {
    if (offsets.includes(key.offset)) keys.push(key);
  }
  return keys;
}
