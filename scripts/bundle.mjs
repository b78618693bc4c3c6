// How the program becomes one file: what the bundle and the standalone binary have in common.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

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
 * What is never reached: HTTP/2, which the transport does not offer; undici's parser for machines without SIMD, which the
 * kernels of `wasm/` need anyway; of prom-client what is for clusters and push gateways, which bring TLS and a dozen other
 * modules of Node.js, and traces. Most of both, read and evaluated at every start.
 */
const NEVER_REACHED = [
  /[\\/]undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/,
  /[\\/]undici[\\/]lib[\\/]llhttp[\\/]llhttp-wasm\.js$/,
  /[\\/]prom-client[\\/]lib[\\/](cluster|pushgateway)\.js$/,
  /[\\/]@opentelemetry[\\/]api[\\/].*\.c?js$/,
];

const reachedOnly = {
  name: 'reached-only',
  setup({ onLoad }) {
    for (const filter of NEVER_REACHED) {
      onLoad({ filter }, ({ path }) => ({
        contents: `module.exports = () => { throw new Error(${JSON.stringify(`${basename(path)} is not part of the bundle`)}); };`,
        loader: 'js',
      }));
    }
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
  // The second is what undici asks for before it takes its experimental parser along; Node.js builds its own copy so.
  define: { AUDITAIL_VERSION: JSON.stringify(version), esbuildDetection: 'true' },
  plugins: [englishOnly, dispatchersOnly, reachedOnly, requireHttp],
  logLevel: 'warning',
};
