import { FIELDS, SLOT } from './field.ts';
import { keyHash } from './scan.ts';
import { SCAN_WASM } from './scan-wasm.ts';

/** What wasm/scan.ts exports: places in its memory, and the scan. */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly TABLES: WebAssembly.Global;
  readonly NAMES: WebAssembly.Global;
  readonly TEXTS: WebAssembly.Global;
  readonly SPANS: WebAssembly.Global;
  readonly MANAGED: WebAssembly.Global;
  readonly MANAGED_AHEAD: WebAssembly.Global;
  readonly ROWS: WebAssembly.Global;
  readonly ROW_HEAD: WebAssembly.Global;
  readonly MAX_ROWS: WebAssembly.Global;
  readonly AHEAD: WebAssembly.Global;
  readonly AHEAD_BYTES: WebAssembly.Global;
  readonly LINE: WebAssembly.Global;
  scan(length: number, origin: number, slots: number): number;
  scanAhead(length: number, origin: number, slots: number): number;
  marks(start: number, length: number): number;
  managedFields(): number;
}

/** Longer lines are few, and memory of WebAssembly is never given back: the plain scanner takes them where they are. */
export const MAX_LINE_BYTES = 2 * 1024 * 1024;
/** What the kernel may read behind a line. */
const PADDING = 64;
const PAGE = 64 * 1024;
const HASHES = 1024;
const NAME_WORDS = 4;
/** Of a note on managed fields. */
export const NOTE_WORDS = 3;

export const kernel = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(SCAN_WASM, 'base64')))
  .exports as Kernel;
const bytesNeeded = kernel.LINE.value + MAX_LINE_BYTES + PADDING;
kernel.memory.grow(Math.ceil(bytesNeeded / PAGE) - kernel.memory.buffer.byteLength / PAGE);
/** All of the kernel's memory. It does not grow any more, so that views of it stay good. */
export const memory = new Uint8Array(kernel.memory.buffer);
writeTables();

/** Numbers in the kernel's memory from `place` on. */
export function words(place: number, count: number): Int32Array {
  return new Int32Array(kernel.memory.buffer, place, count);
}

const NO_NOTES = new Int32Array(0);

/** `Event.managedFields` of an event of which the kernel took `count` notes from `place` on; -1: it could not take them all. */
export function managedNotes(place: number, count: number): Int32Array | null {
  if (count <= 0) return count === 0 ? NO_NOTES : null;
  return words(place, count * NOTE_WORDS);
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
    const entry = words(names + number * NAME_WORDS * 4, NAME_WORDS);
    entry.set([text, name.length, SLOT[field], Math.max(0, levels.indexOf(`${field}.`))]);
    text += name.length;
  }
}
