import type { Config } from '../config/schema.ts';
import { AuditailError } from '../errors.ts';

/** What one pipeline needs at most for the batches that it has in flight, cuts and keeps ready. */
export interface Need {
  readonly output: string;
  readonly maxInFlight: number;
  /** Bound on one batch, bytes. */
  readonly maxBytes: number;
}

/** One batch is being cut and one is kept ready; a batch may grow to twice its bound before it is closed. */
function bytesOf({ maxInFlight, maxBytes }: Need): number {
  return (maxInFlight + 2) * maxBytes * 2;
}

/**
 * How many batches each pipeline may have in flight so that all of them together stay within the memory: as many as is
 * configured, or fewer, taken from whoever needs most.
 *
 * @throws {AuditailError} AUD_CONFIG where one batch each is too much
 */
export function fitInFlight(needs: readonly Need[], memoryBytes: number): readonly number[] {
  const fitted = needs.map((need) => ({ ...need }));
  const sum = () => fitted.reduce((bytes, need) => bytes + bytesOf(need), 0);
  while (sum() > memoryBytes) {
    const able = fitted.filter(({ maxInFlight }) => maxInFlight > 1);
    const largest = able.toSorted((a, b) => bytesOf(b) - bytesOf(a))[0];
    if (largest === undefined) {
      throw new AuditailError(
        'AUD_CONFIG',
        `memory.maxBytes is ${memoryBytes}, and the batches of ${needs.length} pipelines need ${sum()} bytes at least`,
        {
          hint: 'raise memory.maxBytes, lower batch.maxBytes of the outputs, or have fewer of them',
        },
      );
    }
    largest.maxInFlight -= 1;
  }
  return fitted.map(({ maxInFlight }) => maxInFlight);
}

/** Batches in flight of each output of a configuration; `lowered` is told of those that get fewer than they ask for. */
export function fitOutputs(
  { outputs, sources, memory }: Pick<Config, 'outputs' | 'sources' | 'memory'>,
  lowered: (what: { output: string; maxInFlight: number; lowered: number }) => void,
): readonly number[] {
  const needs = outputs.map(({ name, batch, sources: own }) => ({
    output: name,
    maxInFlight: batch.maxInFlight,
    maxBytes: batch.maxBytes * (own?.length ?? sources.length),
  }));
  const fitted = fitInFlight(needs, memory.maxBytes);
  for (const [at, { output, maxInFlight }] of needs.entries()) {
    const fits = fitted[at] as number;
    if (fits !== maxInFlight) lowered({ output, maxInFlight, lowered: fits });
  }
  return fitted;
}
