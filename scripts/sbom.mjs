// Prints the bill of materials of the bundle (CycloneDX): the packages that esbuild puts into it, as npm describes them.
// `npm sbom --omit=dev` alone leaves out zod and yaml, because development packages need them as well.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { BUNDLE } from './bundle.mjs';

const root = new URL('../', import.meta.url).pathname;
const { metafile } = await build({ ...BUNDLE, format: 'esm', legalComments: 'none', write: false, metafile: true });
const bundled = new Set(
  Object.keys(metafile.inputs).flatMap((file) => {
    const [, name] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    return name === undefined ? [] : [name];
  }),
);

const sbom = JSON.parse(
  execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
);
const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8'));
// Of two versions of a package the bundle has the one that lies at the top.
const isBundled = ({ name, version }) => bundled.has(name) && packages[`node_modules/${name}`].version === version;
sbom.metadata.component.name = packages[''].name;
sbom.components = sbom.components.filter(isBundled);
const kept = new Set([sbom.metadata.component['bom-ref'], ...sbom.components.map((component) => component['bom-ref'])]);
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) }));
const missing = [...bundled].filter((one) => !sbom.components.some(({ name }) => name === one));
if (missing.length > 0) throw new Error(`not in the bill of materials: ${missing.join(', ')}`);
process.stdout.write(`${JSON.stringify(sbom, null, 2)}\n`);
