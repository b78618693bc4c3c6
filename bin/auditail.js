#!/usr/bin/env node
// Written in old syntax on purpose: it must run on any Node far enough to say which one is needed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM = [22, 19];
const here = process.versions.node.split('.').map(Number);
const tooOld = here[0] < MINIMUM[0] || (here[0] === MINIMUM[0] && here[1] < MINIMUM[1]);
const bundle = fileURLToPath(new URL('../dist/auditail.mjs', import.meta.url));
// `npm ci` brings a newer Node as an optional dependency, for machines whose own is too old.
const brought = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (!existsSync(bundle)) {
  process.stderr.write('auditail is not built yet: run `npm run build` first.\n');
  process.exitCode = 2;
} else if (!tooOld) {
  await import('../dist/auditail.mjs');
} else if (existsSync(brought) && process.env.AUDITAIL_REEXEC !== '1') {
  const child = spawn(brought, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, AUDITAIL_REEXEC: '1' },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + (signal === 'SIGKILL' ? 9 : 15) : code;
  });
} else {
  process.stderr.write(
    `auditail needs Node.js ${MINIMUM.join('.')} or newer, and this is ${process.versions.node}. ` +
      'Install a newer Node.js, or use the standalone binary, which brings its own.\n',
  );
  process.exitCode = 2;
}
