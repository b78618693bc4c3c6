// Bundles the program into dist/: auditail.mjs, which starts it, and its parts, each read only when it is needed. The image
// needs no node_modules then, and what must be done at once (pins of files that can go any moment) does not wait for 3 MB
// of program to be read and compiled.
import { copyFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { BUNDLE } from './bundle.mjs';

const dist = new URL('../dist/', import.meta.url);
rmSync(new URL('parts/', dist), { recursive: true, force: true });

await build({
  ...BUNDLE,
  entryPoints: { auditail: BUNDLE.entryPoints[0] },
  outdir: dist.pathname,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'parts/[name]-[hash]',
  splitting: true,
  format: 'esm',
  sourcemap: true,
  // CommonJS dependencies in an ES module bundle still ask for require().
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

// What the demo writes; it looks for the file beside its own part of the program.
copyFileSync(new URL('../src/demo/events.log.gz', import.meta.url), new URL('parts/events.log.gz', dist));
