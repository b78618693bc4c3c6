// Makes standalone binaries of the program: Node.js with the program inside it (a single executable application).
// dist/binary/auditail-linux-x64 or -arm64: for the machine that npm brought a Node.js for, or for those that are named
// (`npm run build:binary -- x64 arm64`), whose Node.js is then fetched from the registry.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { inject } from 'postject';
import { BUNDLE } from './bundle.mjs';

const root = new URL('../', import.meta.url);
const folder = new URL('dist/binary/', root).pathname;
const asked = process.argv.slice(2);

mkdirSync(folder, { recursive: true });
await build({
  ...BUNDLE,
  outfile: `${folder}auditail.cjs`,
  // A single executable of Node.js 24 starts with a script that is no ES module.
  format: 'cjs',
  legalComments: 'inline',
  define: { ...BUNDLE.define, 'import.meta.url': '__fileUrl' },
  banner: { js: "const __fileUrl = require('node:url').pathToFileURL(process.execPath).href;" },
});

for (const arch of ['x64', 'arm64']) {
  if (asked.length > 0 && !asked.includes(arch)) continue;
  const installed = new URL(`node_modules/node-linux-${arch}/bin/node`, root).pathname;
  const node = existsSync(installed) || asked.length === 0 ? installed : fetchNode(arch);
  if (!existsSync(node)) continue;
  const binary = `${folder}auditail-linux-${arch}`;
  const blob = `${folder}${arch}.blob`;
  const settings = {
    main: `${folder}auditail.cjs`,
    output: blob,
    disableExperimentalSEAWarning: true,
    // Compiled code is of one machine and one Node.js: the one that makes it.
    useCodeCache: arch === process.arch,
    assets: { 'events.log.gz': new URL('src/demo/events.log.gz', root).pathname },
  };
  writeFileSync(`${folder}sea.json`, JSON.stringify(settings));
  // The very Node.js that goes into the binary, where this machine can run it: its code cache fits no other.
  const maker = arch === process.arch ? node : process.execPath;
  execFileSync(maker, ['--experimental-sea-config', `${folder}sea.json`], { stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(binary, { force: true });
  copyFileSync(node, binary);
  chmodSync(binary, 0o755);
  if (arch === process.arch) stripSymbols(binary);
  await quietly(() =>
    inject(binary, 'NODE_SEA_BLOB', readFileSync(blob), {
      sentinelFuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
    }),
  );
  rmSync(blob);
  process.stderr.write(`${binary}: ${(statSync(binary).size / 2 ** 20).toFixed(1)} MiB\n`);
}
rmSync(`${folder}sea.json`, { force: true });
rmSync(`${folder}auditail.cjs`);

/** The Node.js that the lock file pins for a machine that is not this one, and its bytes as pinned there. */
function fetchNode(arch) {
  const { version, integrity } = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')).packages[
    `node_modules/node-linux-${arch}`
  ];
  const place = `${folder}node-${version}-${arch}/`;
  if (existsSync(`${place}package/bin/node`)) return `${place}package/bin/node`;
  mkdirSync(place, { recursive: true });
  execFileSync('npm', ['pack', '--silent', '--pack-destination', place, `node-linux-${arch}@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const archive = `${place}node-linux-${arch}-${version}.tgz`;
  const digest = createHash('sha512').update(readFileSync(archive)).digest('base64');
  if (`sha512-${digest}` !== integrity) throw new Error(`${archive} is not what package-lock.json pins`);
  execFileSync('tar', ['-xzf', archive, '-C', place, 'package/bin/node']);
  rmSync(archive);
  return `${place}package/bin/node`;
}

/** A seventh smaller. A machine without binutils makes a larger binary. */
function stripSymbols(binary) {
  try {
    execFileSync('strip', [binary], { stdio: 'ignore' });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** postject warns of a section name that nobody needs. */
async function quietly(work) {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    await work();
  } finally {
    console.warn = warn;
  }
}
