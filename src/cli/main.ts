import { systemCode } from '../errors.ts';
import { firstPins } from './first-pins.ts';

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

async function main(): Promise<void> {
  // Files of the log can go at any moment: they are pinned before the rest of the program is loaded.
  const args = process.argv.slice(2);
  const pins = await firstPins(args, process.env);
  const [{ runProgram }, { processTerminal }] = await Promise.all([import('./program.ts'), import('./terminal.ts')]);
  try {
    const terminal = processTerminal();
    process.exitCode = await runProgram(args, { terminal, environment: process.env, version, firstPins: pins });
  } finally {
    await pins.end();
  }
}

// Not awaited here: the standalone binary starts with a script that is no ES module. What it throws ends the process.
void main();
