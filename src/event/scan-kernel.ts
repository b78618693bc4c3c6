import { FIELDS, SLOT } from './field.ts';
import { findMarks } from './marks.ts';
import { keyHash, type Spans } from './scan.ts';
import { SCAN_WASM } from './scan-wasm.ts';

/** What wasm/scan.ts exports: places in its memory, and the scan. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly TABLES: WebAssembly.Global;
  readonly NAMES: WebAssembly.Global;
  readonly TEXTS: WebAssembly.Global;
  readonly SPANS: WebAssembly.Global;
  readonly MANAGED: WebAssembly.Global;
  readonly LINE: WebAssembly.Global;
  scan(length: number, origin: number, slots: number): number;
  marks(length: number): number;
  managedFields(): number;
}

/** Longer lines are few, and memory of WebAssembly is never given back: the plain scanner takes them where they are. */
const MAX_LINE_BYTES = 1024 * 1024;
/** What the kernel may read behind a line. */
const PADDING = 64;
const PAGE = 64 * 1024;
const HASHES = 1024;
const NAME_WORDS = 4;

const kernel = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(SCAN_WASM, 'base64'))).exports as Kernel;
const lineStart = kernel.LINE.value;
kernel.memory.grow(Math.ceil((lineStart + MAX_LINE_BYTES + PADDING) / PAGE) - kernel.memory.buffer.byteLength / PAGE);
const memory = new Uint8Array(kernel.memory.buffer);
const found = new Int32Array(kernel.memory.buffer, kernel.SPANS.value, FIELDS.length * 2);
/** Counts what the kernel was given; the last of it is what its memory holds. */
let given = 0;
writeTables();

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

const NONE = new Int32Array(0);

/** `Event.managedFields` of the event of this number. */
export function managedFieldsOf(number: number): Int32Array | null {
  if (number !== given) return null;
  const count = kernel.managedFields();
  if (count <= 0) return count === 0 ? NONE : null;
  return new Int32Array(kernel.memory.buffer, kernel.MANAGED.value, count * 3);
}

/** `findMarks` of an event; the kernel need not be given it again where `number` is that of the event. */
export function marksOf(bytes: Buffer, start: number, end: number, number: number): number {
  const length = end - start;
  if (length > MAX_LINE_BYTES) return findMarks(bytes.subarray(start, end));
  if (number !== given) give(bytes, start, end);
  return kernel.marks(length);
}

function give(bytes: Buffer, start: number, end: number): void {
  given += 1;
  memory.set(bytes.subarray(start, end), lineStart);
  memory[lineStart + end - start] = 0;
}

/** Tells the kernel the names of the fields, level by level. */
function writeTables(): void {
  const parents = FIELDS.filter((field) => FIELDS.some((other) => other.startsWith(`${field}.`)));
  const levels = ['', ...parents.map((field) => `${field}.`)];
  const tables = kernel.TABLES.value;
  const names = kernel.NAMES.value;
  let text = kernel.TEXTS.value;
  for (const [slot, field] of FIELDS.entries()) {
    const level = levels.indexOf(field.slice(0, field.lastIndexOf('.') + 1));
    const name = Buffer.from(field.slice((levels[level] as string).length));
    const number = slot + 1; // 0 is none
    const place = tables + level * HASHES + keyHash(name, 0, name.length);
    memory[place] = number;
    memory.set(name, text);
    const words = new Uint32Array(kernel.memory.buffer, names + number * NAME_WORDS * 4, NAME_WORDS);
    words.set([text, name.length, SLOT[field], Math.max(0, levels.indexOf(`${field}.`))]);
    text += name.length;
  }
}
