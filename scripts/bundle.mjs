// How the program becomes one file: what the bundle and the standalone binary have in common.
import { readFileSync } from 'node:fs';

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

/** Of undici the program has its dispatchers; fetch, WebSocket, mocks and caches are two thirds of it. */
const dispatchersOnly = {
  name: 'dispatchers-only',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]undici[\\/]index\.js$/ }, () => ({
      contents: `
        Object.assign(require('./lib/dispatcher/dispatcher').prototype, require('./lib/api'));
        exports.Agent = require('./lib/dispatcher/agent');
        exports.EnvHttpProxyAgent = require('./lib/dispatcher/env-http-proxy-agent');`,
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

/** @type {import('esbuild').BuildOptions} */
export const BUNDLE = {
  entryPoints: [new URL('../src/cli/main.ts', import.meta.url).pathname],
  bundle: true,
  platform: 'node',
  target: 'node22.19',
  // Names stay, so that a stack trace can be read; the rest is only more to parse at every start.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'linked',
  define: { AUDITAIL_VERSION: JSON.stringify(version) },
  plugins: [englishOnly, dispatchersOnly, requireHttp],
  logLevel: 'warning',
};
