import { AuditailError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';

/**
 * A checkpoint of another destination or log says nothing about this one.
 *
 * @throws {AuditailError} AUD_STATE_MISMATCH
 */
export function refuseOther(checkpoint: Checkpoint, destination: string, origin: string): void {
  if (checkpoint.destination === destination && checkpoint.origin === origin) return;
  const { output } = checkpoint;
  const [what, before, now] =
    checkpoint.destination === destination
      ? ['source', checkpoint.origin, origin]
      : ['destination', checkpoint.destination, destination];
  const message = `the checkpoint of output ${output} belongs to the ${what} ${before}, and the configuration says ${now}`;
  throw new AuditailError('AUD_STATE_MISMATCH', message, {
    hint: `give the output another name to ship everything there from the beginning, or run \`auditail state remove ${output}\` to forget where it stood`,
  });
}
