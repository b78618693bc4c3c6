import { writeVarint } from '../../varint.ts';
import { SNAPPY_WASM } from './snappy-wasm.ts';

/** What wasm/snappy.ts exports: places in its memory, and the compression of one block. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly BLOCK: WebAssembly.Global;
  readonly OUT: WebAssembly.Global;
  readonly END: WebAssembly.Global;
  compress(length: number): number;
}

const BLOCK_BYTES = 64 * 1024;
const PAGE = 64 * 1024;
/** A length below 2^35. */
const MAX_VARINT_BYTES = 5;

/** Made when it is first asked for: only Loki takes snappy. */
let opened: Kernel | undefined;

function open(): Kernel {
  const module = new WebAssembly.Module(Buffer.from(SNAPPY_WASM, 'base64'));
  const kernel = new WebAssembly.Instance(module).exports as Kernel;
  kernel.memory.grow(Math.ceil(kernel.END.value / PAGE) - kernel.memory.buffer.byteLength / PAGE);
  return kernel;
}

/** Where what is compressed is collected: a new megabyte for each push costs more than filling it. */
let scratch = Buffer.alloc(0);

/**
 * Compresses what the pieces are together, in the snappy block format, which is the one that Loki's protobuf push takes
 * (not the framed stream format). Of our own in WebAssembly: snappyjs, in JavaScript, takes three times the CPU, and that
 * was more than all else that a push costs.
 */
export function compress(pieces: readonly Buffer[]): Buffer {
  opened ??= open();
  const kernel = opened;
  const memory = new Uint8Array(kernel.memory.buffer);
  const [block, out] = [kernel.BLOCK.value, kernel.OUT.value];
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const most = MAX_VARINT_BYTES + total + Math.ceil(total / 6) + BLOCK_BYTES;
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most);
  let length = writeVarint(scratch, 0, total);
  let filled = 0;
  const flush = () => {
    const made = kernel.compress(filled);
    scratch.set(memory.subarray(out, out + made), length);
    length += made;
    filled = 0;
  };
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + BLOCK_BYTES - filled);
      memory.set(part, block + filled);
      filled += part.length;
      at += part.length;
      if (filled === BLOCK_BYTES) flush();
    }
  }
  if (filled > 0) flush();
  return Buffer.copyBytesFrom(scratch, 0, length);
}
