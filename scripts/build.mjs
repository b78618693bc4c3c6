// Bundles the program into dist/auditail.mjs: one file, so that the image needs no node_modules.
import { copyFileSync } from 'node:fs';
import { build } from 'esbuild';
import { BUNDLE } from './bundle.mjs';

await build({
  ...BUNDLE,
  outfile: new URL('../dist/auditail.mjs', import.meta.url).pathname,
  format: 'esm',
  sourcemap: true,
  // CommonJS dependencies in an ES module bundle still ask for require().
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

// What the demo writes; it looks for the file beside the program.
copyFileSync(new URL('../src/demo/events.log.gz', import.meta.url), new URL('../dist/events.log.gz', import.meta.url));
