import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { systemCode } from '../errors.ts';

/** Put in by the build. */
declare const AUDITAIL_VERSION: string | undefined;
/** Put in by the build of the bundle: the folder beside the program that holds compiled code of it. */
declare const AUDITAIL_COMPILED: string | undefined;

const version = typeof AUDITAIL_VERSION === 'string' ? AUDITAIL_VERSION : 'unbuilt';

/**
 * Lets Node.js take what the build has compiled: a fifth less to do at each start. It passes over what another version of
 * it has made, and what does not belong to the very text of the program.
 */
function useCompiled(): void {
  if (typeof AUDITAIL_COMPILED !== 'string') return;
  // The folder may be moved with the program. Node.js before 24.12 does not know of that, and not of an option for it.
  process.env['NODE_COMPILE_CACHE_PORTABLE'] ??= '1';
  module.enableCompileCache(fileURLToPath(new URL(AUDITAIL_COMPILED, import.meta.url)));
}

async function main(): Promise<void> {
  useCompiled();
  // Files of the log can go at any moment: they are pinned before the rest of the program is loaded.
  const args = process.argv.slice(2);
  const { firstPins } = await import('./first-pins.ts');
  const pins = await firstPins(args, process.env);
  // Whoever read our output has gone (`auditail dead-letter export | head`): that is an end, not a fault.
  process.stdout.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') throw error;
    process.exit();
  });
  process.stderr.on('error', (error) => {
    // Without standard error there is nobody left to tell.
    if (systemCode(error) !== 'EPIPE') throw error;
  });
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
