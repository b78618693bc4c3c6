// Bundles the program into dist/: auditail.mjs, which starts it, and its parts, each read only when it is needed. The image
// needs no node_modules then, and what must be done at once (pins of files that can go any moment) does not wait for 3 MB
// of program to be read and compiled.
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { BUNDLE } from './bundle.mjs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const [least, major, minor] = /(\d+)\.(\d+)/.exec(engines.node);
const OLD_NODE = `const [__major, __minor] = process.versions.node.split('.').map(Number);
if (__major < ${major} || (__major === ${major} && __minor < ${minor})) {
  console.error('auditail needs Node.js ${least} or newer, and this is ' + process.version + '.');
  process.exit(2);
}
`;

const dist = new URL('../dist/', import.meta.url);
const compiled = 'compiled/';
for (const folder of ['parts/', compiled]) rmSync(new URL(folder, dist), { recursive: true, force: true });

await build({
  ...BUNDLE,
  entryPoints: { auditail: BUNDLE.entryPoints[0] },
  outdir: dist.pathname,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'parts/[name]-[hash]',
  splitting: true,
  format: 'esm',
  define: { ...BUNDLE.define, AUDITAIL_COMPILED: JSON.stringify(compiled) },
  sourcemap: true,
  // Whoever starts the file by itself, as an image does, is told which Node.js it needs, before anything that is missing there
  // is asked for. CommonJS dependencies in an ES module bundle still ask for require().
  banner: {
    js: `${OLD_NODE}import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
  },
});

// What the demo writes; it looks for the file beside its own part of the program.
copyFileSync(new URL('../src/demo/events.log.gz', import.meta.url), new URL('parts/events.log.gz', dist));

await compile();

/** Ships an event, so that Node.js leaves what it compiles for that beside the program. */
async function compile() {
  const scratch = mkdtempSync(join(tmpdir(), 'auditail-build-'));
  const receiver = createServer((request, answer) => request.resume().on('end', () => answer.end()));
  await new Promise((listening) => receiver.listen(0, '127.0.0.1', listening));
  const flags = {
    'audit-log-path': join(scratch, 'audit.log'),
    'state-dir': join(scratch, 'state'),
    output: 'http',
    url: `http://127.0.0.1:${receiver.address().port}`,
  };
  try {
    writeFileSync(flags['audit-log-path'], '{"kind":"Event","apiVersion":"audit.k8s.io/v1"}\n');
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const program = new URL('auditail.mjs', dist).pathname;
    await promisify(execFile)(process.execPath, [program, 'ship', ...args], { env: {}, timeout: 60_000 });
  } finally {
    receiver.close();
    rmSync(scratch, { recursive: true });
  }
}
