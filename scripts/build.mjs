// Bundles the program into dist/auditail.mjs: one file, so that the image and the binary need no node_modules.
import { copyFileSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** zod's messages in fifty languages are most of it, and none but the English ones is ever used. */
const englishOnly = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/**
 * `import` of node:http builds the namespace of the module, and to do so Node.js loads all that it names: a whole
 * undici of its own, 40 ms at every start. `require` does not.
 */
const requireHttp = {
  name: 'require-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:https?$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'require-http' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'require-http' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
      loader: 'js',
    }));
  },
};

await build({
  entryPoints: [new URL('../src/cli/main.ts', import.meta.url).pathname],
  outfile: new URL('../dist/auditail.mjs', import.meta.url).pathname,
  bundle: true,
  platform: 'node',
  target: 'node22.19',
  format: 'esm',
  sourcemap: true,
  // Names stay, so that a stack trace can be read; the rest is only more to parse at every start.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'linked',
  define: { AUDITAIL_VERSION: JSON.stringify(version) },
  // CommonJS dependencies in an ES module bundle still ask for require().
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  plugins: [englishOnly, requireHttp],
  logLevel: 'warning',
});

// What the demo writes; it looks for the file beside the program.
copyFileSync(new URL('../src/demo/events.log.gz', import.meta.url), new URL('../dist/events.log.gz', import.meta.url));
