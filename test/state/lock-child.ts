/** Tries to take the state directory named on the command line; says how it went, and holds it until it is killed. */
import { AuditailError } from '../../src/errors.ts';
import { lockState } from '../../src/state/lock.ts';

try {
  const lock = await lockState(process.argv[2] as string);
  process.stdout.write(`held ${lock.generation}\n`);
  setInterval(() => undefined, 1000);
} catch (error) {
  const code = error instanceof AuditailError ? error.code : 'unexpected';
  process.stdout.write(`${code} ${String(error)}\n`);
  process.exitCode = 1;
}
