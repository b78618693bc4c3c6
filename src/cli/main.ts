import { systemCode } from '../errors.ts';
import { runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';

/** Put in by the build. */
declare const AUDITAIL_VERSION: string | undefined;

const version = typeof AUDITAIL_VERSION === 'string' ? AUDITAIL_VERSION : 'unbuilt';

// Whoever read our output has gone (`auditail dead-letter export | head`): that is an end, not a fault.
process.stdout.on('error', (error) => {
  if (systemCode(error) !== 'EPIPE') throw error;
  process.exit();
});
process.stderr.on('error', (error) => {
  // Without standard error there is nobody left to tell.
  if (systemCode(error) !== 'EPIPE') throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), {
  terminal: processTerminal(),
  environment: process.env,
  version,
});
