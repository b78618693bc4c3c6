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
    const count = await readOrEnd(content, offset, step, 0, step.length);
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

/** A compressed file that gives not even a first line: it stands in the log under its name, so that it is reported. */
export function identifyByName(name: string): Identity {
  return identityOf([Buffer.from(name)]);
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

/** What stands before a mark's offset now: the bytes of the mark, others, or the content does not reach so far. */
export async function checkMark(
  content: Content,
  mark: { readonly offset: number; readonly hash: string },
): Promise<'holds' | 'differs' | 'beyond'> {
  const length = Math.min(MARK_BYTES, mark.offset);
  const before = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const count = await readOrEnd(content, mark.offset - length + filled, before, filled, length - filled);
    if (count === 0) return 'beyond';
    filled += count;
  }
  return markOf(before) === mark.hash ? 'holds' : 'differs';
}

/** A compressed file that is cut off, or still being written, ends in the middle: that is an end like any other here. */
export async function readOrEnd(
  content: Content,
  offset: number,
  into: Buffer,
  at: number,
  length: number,
): Promise<number> {
  try {
    return await content.read(offset, into, at, length);
  } catch (error) {
    if (error instanceof CorruptGzip) return 0;
    throw error;
  }
}
