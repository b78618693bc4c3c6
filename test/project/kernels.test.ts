import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KERNELS, renderKernel } from '../../scripts/wasm.mjs';

test.each(KERNELS)('$module is what $source compiles to (if this fails: npm run generate)', async (kernel) => {
  const module = readFileSync(new URL(`../../${kernel.module}`, import.meta.url), 'utf8');
  expect(await renderKernel(kernel)).toBe(module);
});
