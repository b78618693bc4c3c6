import { FIELDS } from './field.ts';
import { kernel, MAX_LINE_BYTES, managedNotes, memory, words } from './kernel.ts';
import { findMarks } from './marks.ts';
import type { Spans } from './scan.ts';

const lineStart = kernel.LINE.value;
const found = words(kernel.SPANS.value, FIELDS.length * 2);
/** Counts what the kernel was given; the last of it is what its memory holds. */
let given = 0;

/**
 * Fills the spans as `scanEvent` does, at a quarter of its cost, where the line is written as the API server writes.
 * False for what the kernel isn't sure of: the spans hold nothing of worth then, and `scanEvent` has to tell.
 */
export function scanUsual(bytes: Buffer, start: number, end: number, spans: Spans): boolean {
  const length = end - start;
  if (length > MAX_LINE_BYTES) return false;
  give(bytes, start, end);
  if (kernel.scan(length, start, FIELDS.length) === 0) return false;
  spans.set(found);
  return true;
}

/** A number for what the kernel was given last, as long as it is given nothing else. */
export function lastGiven(): number {
  return given;
}

/** `Event.managedFields` of the event of this number. */
export function managedFieldsOf(number: number): Int32Array | null {
  return number === given ? managedNotes(kernel.MANAGED.value, kernel.managedFields()) : null;
}

/** `findMarks` of an event; the kernel need not be given it again where `number` is that of the event. */
export function marksOf(bytes: Buffer, start: number, end: number, number: number): number {
  const length = end - start;
  if (length > MAX_LINE_BYTES) return findMarks(bytes.subarray(start, end));
  if (number !== given) give(bytes, start, end);
  return kernel.marks(lineStart, length);
}

function give(bytes: Buffer, start: number, end: number): void {
  given += 1;
  memory.set(bytes.subarray(start, end), lineStart);
  memory[lineStart + end - start] = 0;
}
