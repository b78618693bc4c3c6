import { hash } from 'node:crypto';
import { CorruptGzip, type Content } from './content.ts';

/** What tells a segment from any other, under whatever name and compression: its first complete line. */
export interface Identity {
  /** 32 hexadecimal digits of SHA-256 over the first line, of which at most `MAX_FIRST_LINE` bytes count. */
  readonly id: string;
  /** The first line itself, without its end, cut at `MAX_FIRST_LINE`. */
  readonly firstLine: Buffer;
}

const MAX_FIRST_LINE = 64 * 1024;
const STEP = 64 * 1024;
const NEWLINE = 10;

/**
 * Identifies content by its first line; `null` where there is no complete line yet. NUL bytes before it (a file that
 * was truncated under its writer begins with them) do not count. A file that is `final` is identified by what there is
 * of a first line; `null` then means that it holds nothing.
 */
export async function identify(content: Content, final: boolean): Promise<Identity | null> {
  const step = Buffer.allocUnsafe(STEP);
  const line: Buffer[] = [];
  let length = 0;
  for (let offset = 0; ; ) {
    const count = await readOrEnd(content, offset, step);
    if (count === 0) return final && length > 0 ? identityOf(line) : null;
    offset += count;
    const start = length === 0 ? firstNonNul(step, count) : 0;
    if (start === count) continue;
    const newline = step.subarray(0, count).indexOf(NEWLINE, start);
    const end = newline === -1 ? count : newline;
    line.push(Buffer.from(step.subarray(start, end)));
    length += end - start;
    if (newline === -1 && length < MAX_FIRST_LINE) continue;
    return identityOf(line);
  }
}

/** A compressed file that is still being written ends in the middle: that is an end like any other here. */
async function readOrEnd(content: Content, offset: number, into: Buffer): Promise<number> {
  try {
    return await content.read(offset, into, 0, into.length);
  } catch (error) {
    if (error instanceof CorruptGzip) return 0;
    throw error;
  }
}

function identityOf(line: readonly Buffer[]): Identity {
  const firstLine = Buffer.concat(line).subarray(0, MAX_FIRST_LINE);
  return { id: hash('sha256', firstLine, 'hex').slice(0, 32), firstLine };
}

function firstNonNul(bytes: Buffer, end: number): number {
  let at = 0;
  while (at < end && bytes[at] === 0) at += 1;
  return at;
}

/** How many bytes before an offset a mark covers at most. */
export const MARK_BYTES = 256;

/** Hash of the bytes that stand before an offset: 16 hexadecimal digits of SHA-256. */
export function markOf(bytesBefore: Buffer): string {
  return hash('sha256', bytesBefore.subarray(Math.max(0, bytesBefore.length - MARK_BYTES)), 'hex').slice(0, 16);
}

/** Whether the bytes that stand before an offset now are those of the mark. Needs reading from there on. */
export async function markHolds(content: Content, mark: { offset: number; hash: string }): Promise<boolean> {
  const length = Math.min(MARK_BYTES, mark.offset);
  const before = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const count = await content.read(mark.offset - length + filled, before, filled, length - filled);
    if (count === 0) return false;
    filled += count;
  }
  return markOf(before) === mark.hash;
}
