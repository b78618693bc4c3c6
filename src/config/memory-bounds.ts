import { valueAt } from './issues.ts';
import type { Report } from './report.ts';
import type { Config, OutputConfig } from './schema.ts';

/** What the program takes by itself, next to what it holds of the trail: code, heap, connections. */
const PROGRAM_BYTES = 96 * 2 ** 20;
/** A long line is read, cut and compressed or parsed: with its copies it takes about three times its length. */
const SHARE_OF_REST = 0.4;
const LEAST_BYTES = 8 * 2 ** 20;

/**
 * The bounds on memory: as they are written, and where they are not, as the memory of the process allows. One line of the
 * longest kind has to fit in. `memoryLimit` is that of the cgroup, bytes; infinite where there is none.
 */
export function memoryBounds(
  config: Pick<Config, 'maxLineBytes' | 'memory'>,
  value: unknown,
  memoryLimit: number,
  report: Report,
): Pick<Config, 'maxLineBytes' | 'memory'> {
  const isSet = valueAt(value, ['memory', 'maxBytes']) !== undefined;
  const fitting = Math.max(LEAST_BYTES, Math.floor((memoryLimit - PROGRAM_BYTES) * SHARE_OF_REST));
  const maxBytes = isSet ? config.memory.maxBytes : Math.min(config.memory.maxBytes, fitting);
  const memory = { ...config.memory, maxBytes };
  if (valueAt(value, ['maxLineBytes']) === undefined) {
    return { memory, maxLineBytes: Math.min(config.maxLineBytes, Math.floor((maxBytes * 2) / 3)) };
  }
  if (config.maxLineBytes > maxBytes) {
    report({
      path: ['maxLineBytes'],
      message: isSet
        ? 'is more than memory.maxBytes, so such a line could never be read'
        : `is more than memory.maxBytes, which is ${maxBytes} where the process may have ${memoryLimit} bytes: such a line could never be read`,
    });
  }
  return { memory, maxLineBytes: config.maxLineBytes };
}

/** Where there is less memory than this, four batches of each output are better half as large. */
const AMPLE_BYTES = 512 * 2 ** 20;
const SMALL_BATCH_BYTES = 2 ** 20;

/** The outputs, with smaller batches where the process has little memory and their size is not written. */
export function outputsWithin<Sized extends Pick<OutputConfig, 'batch'>>(
  outputs: readonly Sized[],
  value: unknown,
  memoryLimit: number,
): Sized[] {
  return outputs.map((output, at) => {
    const isSet = valueAt(value, ['outputs', at, 'batch', 'maxBytes']) !== undefined;
    if (isSet || memoryLimit >= AMPLE_BYTES) return output;
    return { ...output, batch: { ...output.batch, maxBytes: Math.min(output.batch.maxBytes, SMALL_BATCH_BYTES) } };
  });
}

/** What Node.js says of the bound on a process: 0 where there is none that it can see, and then nothing bounds it. */
export function memoryLimitOf(constrainedMemory: number): number {
  return constrainedMemory === 0 ? Number.POSITIVE_INFINITY : constrainedMemory;
}
