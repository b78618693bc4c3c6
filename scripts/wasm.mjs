// Compiles the kernels in wasm/ into modules that hold them as text, so that a bundle is still one file.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main as compile } from 'assemblyscript/asc';

/** Where each kernel's module stands, and the name of what it exports. */
export const KERNELS = [
  { source: 'wasm/scan.ts', module: 'src/event/scan-wasm.ts', name: 'SCAN_WASM' },
  { source: 'wasm/snappy.ts', module: 'src/output/loki/snappy-wasm.ts', name: 'SNAPPY_WASM' },
  { source: 'wasm/deflate.ts', module: 'src/output/deflate-wasm.ts', name: 'DEFLATE_WASM' },
];

/** `memoryBase`: the kernels lay out their memory themselves. `stub`: they allocate nothing. */
const OPTIONS = ['-O3', '--enable', 'simd', '--runtime', 'stub', '--noAssert', '--memoryBase', '8192'];

const root = new URL('../', import.meta.url).pathname;

/** The text of the module for one kernel; the same for every build of the same source by the same compiler. */
export async function renderKernel({ source, name }) {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-wasm-'));
  try {
    const out = join(directory, 'kernel.wasm');
    const { error, stderr } = await compile(['--baseDir', root, source, '-o', out, ...OPTIONS]);
    if (error) throw new Error(`${source}: ${stderr}`, { cause: error });
    const lines = readFileSync(out, 'base64').match(/.{1,100}/g);
    return `// ${source}, compiled by \`npm run generate\`; a test holds the two equal.\nexport const ${name} =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
